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
    """Against an earlier map without the tutorial's decoder."""
    from ane_lsp.cli.main import main

    earlier, page = tmp_path / "earlier.json", tmp_path / "map.html"
    examples, tutorial = str(ROOT / "examples"), str(ROOT / "docs" / "tutorial")
    assert main(["report", examples, "--no-cache", "--format", "json", "-o", str(earlier)]) == 0
    assert main(["report", examples, tutorial, "--no-cache", "--against", str(earlier), "-o", str(page)]) == 0
    made = browse(page.as_uri(), tmp_path / "profile", "--window-size=400,900")
    assert re.search(r"<h3>DetectorNeck</h3>", made)
    assert len(re.findall(r'class="states"', made)) == 2
    shoot(page.as_uri(), tmp_path / "profile", "map.png", "--window-size=1000,900")
    shoot(
        page.as_uri(), tmp_path / "profile", "map-phone-dark.png", "--window-size=500,900",
        "--blink-settings=preferredColorScheme=0",
    )  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built strictly and without a word."""
    pytest.importorskip("mkdocs", reason="MkDocs is not installed")
    pytest.importorskip("material", reason="mkdocs-material is not installed")
    site = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(site)],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    assert built.stderr == ""
    return site


def rows(table: str) -> list[str]:
    """The rows of a table's body that are shown."""
    found = re.findall(r"<tr( hidden=\"\")?>(.*?)</tr>", table.split("<tbody>")[1], flags=re.DOTALL)
    return [text for hidden, text in found if not hidden]


@needs_browser
def test_the_operations_can_be_searched(site: Path, tmp_path: Path) -> None:
    address = (site / "ops.html").as_uri() + "?find=conv_transpose"
    made = browse(address, tmp_path / "profile")
    status = re.search(r'<span role="status">(\d+) of (\d+)</span>', made)
    assert status is not None, "the filter did not start"
    assert 0 < int(status[1]) < int(status[2])
    shown = rows(made.split('class="filterable"')[1].split("</table>")[0])
    assert len(shown) == int(status[1])
    assert all("conv_transpose" in text for text in shown)
    shoot(address, tmp_path / "profile", "ops.png", "--window-size=1300,900")


@needs_browser
def test_two_chips_are_put_side_by_side(site: Path, tmp_path: Path) -> None:
    address = (site / "devices" / "generations.html").as_uri()
    made = browse(address + "?compare=M1,M4", tmp_path / "profile")
    status = re.search(r'<span role="status">(\d+) differences</span>', made)
    assert status is not None, "the comparison did not start"
    tables = [part.split("</table>")[0] for part in made.split('class="comparable"')[1:]]
    shown = [row for table in tables for row in rows(table)]
    assert len(shown) == int(status[1]) > 10
    for table in tables:
        head = re.findall(r"<th(?![^>]*hidden)[^>]*>(.*?)</th>", table)
        assert [cell for cell in head if "<br>" in cell] == ["H13<br>A14, M1", "H16<br>A17 Pro, M4"]
    for row in shown:
        one, other = re.findall(r"<td(?![^>]*hidden)[^>]*>(.*?)</td>", row)[-2:]
        assert re.sub("<.*?>", "", one) != re.sub("<.*?>", "", other)
    everything = browse(address, tmp_path / "profile")
    assert 'hidden=""' not in everything.split('class="comparable"')[1].split("</table>")[0]
    shoot(address + "?compare=M1,M4", tmp_path / "profile", "compare.png", "--window-size=1300,1000")
    shoot(address + "?compare=M1,M4", tmp_path / "profile", "compare-phone.png", "--window-size=500,900")
