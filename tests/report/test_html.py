"""The HTML page: whole, self-contained, and nothing of the source is taken for markup."""

from __future__ import annotations

import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ane_lsp.analysis import ModelSummary
from ane_lsp.checks.finding import Finding, Fix
from ane_lsp.cli.main import main
from ane_lsp.graph import Span
from ane_lsp.report.html import page
from ane_lsp.report.model import Report
from ane_lsp.syntax.positions import LineTable

HOSTILE = "<script>alert(1)</script>\"&'\u202e"
_VOID = {"meta", "input", "br", "link", "img"}


class _Page(HTMLParser):
    """Balance of tags, and everything an attacker would want to add."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.scripts = 0
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not any(name.startswith("on") or name in ("src", "srcset") for name, _ in attrs), (tag, attrs)
        assert all(not (name == "href" and not (value or "").startswith("#")) for name, value in attrs)
        self.scripts += tag == "script"
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def _parsed(text: str) -> _Page:
    found = _Page()
    found.feed(text)
    found.close()
    assert not found.open
    return found


def test_hostile_text_stays_text() -> None:
    span = Span(f"/m/{HOSTILE}.py", 2, 4, 2, 12)
    finding = Finding(
        "ANE302", HOSTILE, HOSTILE, span, "warning", "measured", target=HOSTILE, model=HOSTILE,
        fixes=(Fix(HOSTILE, "safe"),),
    )  # fmt: skip
    model = ModelSummary(HOSTILE, span, HOSTILE, 3, 2, 1, 1, (HOSTILE,))
    source = LineTable(f"one\n    {HOSTILE}\nthree\n")
    report = Report([finding], [model], base=Path("/m"), lines=lambda file: source)
    found = _parsed(page(report, title=HOSTILE))
    assert found.scripts == 1, "the page's own"
    assert "<script>alert(1)</script>" in found.text
    assert "\u202e" not in found.text


def _example(tmp_path: Path) -> Path:
    source = tmp_path / "net.py"
    source.write_text(
        "import torch\nfrom torch import nn\n\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.layers = nn.Sequential(*[nn.Conv2d(64, 64, 3, padding=1) for _ in range(12)])\n\n"
        "    def forward(self, x):\n        return torch.cumsum(self.layers(x), 3)\n\n\nNet()(torch.randn(1, 64, 32, 32))\n"
    )
    return source


def test_check_and_placement_write_pages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = _example(tmp_path)
    assert main(["check", str(source), "--isolated", "--no-cache", "--exit-zero", "--format", "html"]) == 0
    assert "ANE205" in _parsed(capsys.readouterr().out).text
    assert main(["placement", str(source), "--isolated", "--format", "html"]) == 0
    found = _parsed(capsys.readouterr().out)
    assert "Operations of Net on M4" in found.text
    assert "1 switch" in found.text


def test_a_browser_shows_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium is installed: the page is not opened in a browser")
    source = _example(tmp_path)
    target = tmp_path / "page.html"
    assert main(["placement", str(source), "--isolated", "--format", "html", "-o", str(target)]) == 0
    # A script in the page under test would be wrong; what the browser made of it is asked for as a dump of its document.
    shown = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
         "--window-size=390,844", "--dump-dom", target.as_uri()],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    if not shown.stdout:
        pytest.skip(f"the browser did not start here: {shown.stderr.strip()[-200:]}")
    assert 'class="timeline"' in shown.stdout
    assert "Operations of Net on M4" in shown.stdout
