"""The report in a real browser without a screen: phone and desktop, light and dark, the filter, the keyboard's way through.

With ANE_LSP_SCREENSHOTS=DIR pictures of what was tested are kept there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from ane_lsp.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium is installed: the report is not looked at in a browser"
)

# Runs in the page: what it measures is read from the title afterwards.
_PROBE = """<script>
const box = document.getElementById('filter');
box.value = 'ANE302'; box.dispatchEvent(new Event('input'));
const shown = [...document.querySelectorAll('.finding')].filter(f => !f.hidden).map(f => f.querySelector('.code').textContent);
const said = document.getElementById('shown').textContent;
box.value = ''; box.dispatchEvent(new Event('input'));
document.querySelectorAll('details').forEach(d => d.open = true);
const stops = [...document.querySelectorAll('a[href], input, summary, [tabindex="0"]')].filter(e => e.offsetParent !== null || e.className === 'skip');
const names = stops.map(e => { e.focus(); return document.activeElement === e ? e.className || e.tagName.toLowerCase() : null; });
const cells = [...document.querySelectorAll('.timeline li')].map(c => [c.className, c.getBoundingClientRect().width]);
const body = getComputedStyle(document.body);
document.title = JSON.stringify({
  shown, said, names, cells, background: body.backgroundColor, color: body.color, width: innerWidth,
  overflow: document.documentElement.scrollWidth - innerWidth, rows: document.querySelectorAll('details tbody tr').length,
  links: [...document.querySelectorAll('nav a')].every(a => document.querySelector(a.getAttribute('href'))),
});
</script></body>"""
_DARK = "--blink-settings=preferredColorScheme=0"
_LIGHT = "--blink-settings=preferredColorScheme=1"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("report") / "report.html"
    main(["check", str(ROOT / "examples" / "detector_neck.py"), "--no-cache", "--format", "html", "-o", str(file)])
    return file


def look(page: Path, folder: Path, width: int, scheme: str) -> dict[str, Any]:
    """What the page measures of itself."""
    assert BROWSER is not None
    probed = folder / "probed.html"
    probed.write_text(page.read_text(encoding="utf-8").replace("</body>", _PROBE), encoding="utf-8")
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={folder / 'profile'}",
        "--virtual-time-budget=3000", f"--window-size={width},1400", scheme,
    ]  # fmt: skip
    shots = os.environ.get("ANE_LSP_SCREENSHOTS")
    if shots:
        name = f"report-{width}-{'dark' if scheme == _DARK else 'light'}.png"
        subprocess.run(
            [*command, f"--screenshot={Path(shots).resolve() / name}", page.as_uri()],
            capture_output=True,
            timeout=120,
            check=True,
        )
    done = subprocess.run(
        [*command, "--dump-dom", probed.as_uri()],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=True,
    )
    title = re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)
    assert title is not None
    found: dict[str, Any] = json.loads(unescape(title[1]))
    return found


@pytest.mark.parametrize(("width", "scheme"), [(500, _DARK), (1200, _LIGHT)], ids=["phone-dark", "desktop-light"])
def test_it_fits_shows_the_model_and_can_be_walked_through(page: Path, tmp_path: Path, width: int, scheme: str) -> None:
    found = look(page, tmp_path, width, scheme)
    assert found["overflow"] <= 0, "the page scrolls sideways"
    dark, light = (sum(map(int, re.findall(r"\d+", found[key])[:3])) < 384 for key in ("background", "color"))
    assert (dark, light) == ((True, False) if scheme == _DARK else (False, True))
    assert set(found["shown"]) == {"ANE302"}
    assert re.fullmatch(r"\d+ of \d+ shown", found["said"])
    # Both bars of the timeline, coloured by unit, nothing of no width; every row of the table of operations.
    assert {kind for kind, _ in found["cells"]} == {"u-cpu", "u-ane"}
    assert all(size > 2 for _, size in found["cells"])
    assert found["rows"] >= 20
    assert found["links"]
    # Tab reaches the skip link first, then sections, segments, the filter, excerpts and the table.
    assert None not in found["names"]
    assert found["names"][0] == "skip"
    assert {"a", "input", "summary", "pre", "scroll"} <= set(found["names"])
