"""Pages in a real browser without a screen: the table filter, the map in both colour schemes. Needs Chromium and MkDocs.

With ANE_LSP_SCREENSHOTS=DIR pictures of what was tested are kept there; docs/assets/map.png is one of them.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")


def browse(page: str, profile: Path, *options: str) -> str:
    """The page as the browser made it."""
    assert BROWSER is not None
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={profile}",
        "--allow-file-access-from-files", "--virtual-time-budget=5000", *options, "--dump-dom", page,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def shoot(page: str, profile: Path, name: str, *options: str) -> None:
    folder = os.environ.get("ANE_LSP_SCREENSHOTS")
    if folder:
        browse(page, profile, f"--screenshot={Path(folder).resolve() / name}", *options)


@needs_browser
def test_the_map(tmp_path: Path) -> None:
    from ane_lsp.cli.main import main

    page = tmp_path / "map.html"
    models = [str(ROOT / "examples"), str(ROOT / "docs" / "tutorial")]
    assert main(["report", *models, "--no-cache", "-o", str(page)]) == 0
    made = browse(page.as_uri(), tmp_path / "profile", "--window-size=400,900")
    assert re.search(r"<h3>DetectorNeck</h3>", made)
    shoot(page.as_uri(), tmp_path / "profile", "map.png", "--window-size=1000,760")
    shoot(
        page.as_uri(), tmp_path / "profile", "map-phone-dark.png", "--window-size=500,900",
        "--blink-settings=preferredColorScheme=0",
    )  # fmt: skip


@needs_browser
def test_the_operations_can_be_searched(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="MkDocs is not installed")
    pytest.importorskip("material", reason="mkdocs-material is not installed")
    site = tmp_path / "site"
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(site)],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    assert built.stderr == ""
    made = browse((site / "ops.html").as_uri() + "?find=conv_transpose", tmp_path / "profile")
    status = re.search(r'<span role="status">(\d+) of (\d+)</span>', made)
    assert status is not None, "the filter did not start"
    assert 0 < int(status[1]) < int(status[2])
    table = made.split('class="filterable"')[1].split("</table>")[0]
    rows = re.findall(r"<tr( hidden=\"\")?>(.*?)</tr>", table.split("<tbody>")[1], flags=re.DOTALL)
    shown = [text for hidden, text in rows if not hidden]
    assert len(shown) == int(status[1])
    assert all("conv_transpose" in text for text in shown)
    shoot((site / "ops.html").as_uri() + "?find=conv_transpose", tmp_path / "profile", "ops.png")
