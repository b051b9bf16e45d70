import subprocess
import sys
from pathlib import Path

import pytest

import ane_lsp

TEXT = """import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):  # ane: ignor
        return torch.relu(x)


class Other(nn.Module):
    def forward(self, x):
        return x
"""


class Here:
    """A class with source, for analyze_class."""


def test_every_public_name_loads() -> None:
    for name in ane_lsp.__all__:
        assert getattr(ane_lsp, name) is not None
    assert set(ane_lsp.__all__) <= set(dir(ane_lsp))
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = ane_lsp.nope


def test_importing_the_package_loads_nothing_else() -> None:
    script = "import sys, ane_lsp; print([m for m in sys.modules if m.startswith('ane_lsp.')])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "[]\n"


def test_a_text_a_file_and_a_path_give_the_same(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(TEXT)
    from_file = ane_lsp.analyze_file(path)
    from_text = ane_lsp.analyze_source(TEXT, path)
    assert from_file.findings == from_text.findings == ane_lsp.analyze(str(path)).findings
    assert [(f.code, f.span.line) for f in from_file.findings] == [("ANE902", 6)]
    assert from_file.path == str(path)


def test_settings_are_keyword_arguments(tmp_path: Path) -> None:
    assert ane_lsp.analyze_source(TEXT, tmp_path / "n.py", ignore=["ANE902"]).findings == []
    assert ane_lsp.analyze_source(TEXT, tmp_path / "n.py", select="ANE1", targets=("M1",)).findings == []
    with pytest.raises(ValueError, match="did you mean 'targets'"):
        ane_lsp.analyze_source(TEXT, target="M4")
    with pytest.raises(ValueError, match="no chip or device"):
        ane_lsp.analyze_source(TEXT, targets="nope")


def test_text_that_does_not_parse_is_an_error_in_the_result() -> None:
    found = ane_lsp.analyze_source("x = (")
    assert [(e.kind, e.span.line) for e in found.errors] == [("syntax", 1)]


def test_a_missing_file_raises(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ane_lsp.analyze_file(tmp_path / "none.py")


def test_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = ane_lsp.analyze_class(Here)
    assert found.path == __file__
    assert ane_lsp.analyze(Here).findings == found.findings
    with pytest.raises(ValueError, match="not a shape"):
        ane_lsp.analyze_class(Here, inputs="1y3")
    with pytest.raises(ValueError, match="no Python source"):
        ane_lsp.analyze_class(int)

    class Nested:
        pass

    with pytest.raises(ValueError, match="nested"):
        ane_lsp.analyze_class(Nested)


def test_rendering(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(TEXT)
    text = ane_lsp.render(ane_lsp.analyze_file(path))
    assert "warning[ANE902]" in text
    assert "6 |     def forward(self, x):  # ane: ignor" in text
    with pytest.raises(KeyError):
        ane_lsp.render(ane_lsp.analyze_file(path), "nope")
