"""What scripts compute and where their torch calls stand, for corners of the language that real models needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ane_lsp.interp import run
from ane_lsp.interp.trace import rows
from ane_lsp.workspace import Workspace


def followed(folder: Path, text: str) -> run.Run:
    """A script run abstractly, with nothing gone wrong."""
    script = folder / "script.py"
    script.write_text(text)
    done = run.run_script(Workspace(folder), script)
    assert (done.errors, done.internal) == ([], {})
    return done


def called(folder: Path, body: str, arguments: str = "torch.zeros(2, 3)") -> list[tuple[int, str, Any]]:
    """Line, operation and result of what a forward with this body calls; its first line is 5."""
    lines = "".join(f"        {line}\n" for line in body.splitlines())
    text = f"import torch\nfrom torch import nn\nclass Net(nn.Module):\n    def forward(self, x):\n{lines}Net()({arguments})\n"
    return [(row["line"], row["op"], row["out"]) for row in rows(followed(folder, text).graphs, str)]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("isinstance(['a'], list | tuple)", True),
        ("isinstance('a', list | tuple)", False),
        ("isinstance(None, int | str | None)", True),
        ("isinstance(Own(), int | Own)", True),
        ("isinstance(Own(), int | None)", False),
        ("issubclass(Own, int | Own)", True),
        ("isinstance(torch.zeros(1), float | torch.Tensor)", True),
    ],
)
def test_unions_as_classes(tmp_path: Path, expression: str, value: bool) -> None:
    done = followed(tmp_path, f"import torch\nclass Own: pass\nvalue = {expression}\n")
    assert done.interp.modules["script"].namespace["value"] is value


def test_calls_in_a_lambda_stand_in_the_lambda(tmp_path: Path) -> None:
    found = called(tmp_path, "double = lambda t: t.repeat(1, 2)\na, b = map(double, (x, x))\nreturn double(a)")
    assert [(line, op) for line, op, _ in found if op.endswith("repeat")] == [(5, "torch.Tensor.repeat")] * 2
    assert found[1][2] == {"t": [2, 12], "d": "f32"}


def test_a_number_divided_by_a_tensor_has_torchs_name(tmp_path: Path) -> None:
    assert called(tmp_path, "return 1.0 / x")[0][1] == "torch.Tensor.__rtruediv__"


def test_slices_of_a_tensor_of_unknown_length(tmp_path: Path) -> None:
    body = "for row in x.nonzero():\n    y = row[0] + 1\nreturn x"
    found = {op: (line, out) for line, op, out in called(tmp_path, body, "torch.randn(2, 3)")}
    assert found["torch.Tensor.unbind"] == (5, [{"t": [2], "d": "i64"}, {"t": ["?"], "d": "i64"}])
    assert found["torch.Tensor.add"] == (6, {"t": [], "d": "i64"})


def test_an_import_from_above_the_package_is_no_sibling(tmp_path: Path) -> None:
    """A file that is opened by itself has its own folder as project; two dots still lead out of it."""
    inner = tmp_path / "package" / "inner"
    inner.mkdir(parents=True)
    for folder, width in ((inner, 5), (inner.parent, 3)):
        (folder / "__init__.py").touch()
        (folder / "widths.py").write_text(f"WIDTH = {width}\n")
    script = inner / "script.py"
    script.write_text("from ..widths import WIDTH\n")
    done = run.run_script(Workspace(inner), script)
    (module,) = [module for module in done.interp.modules.values() if module.path == str(script)]
    assert done.interp.module_attribute(module, "WIDTH") == 3


def test_a_name_that_a_module_lacks_is_missed_where_it_is_imported(tmp_path: Path) -> None:
    """And not where it is first used: its value outlives the function that used it."""
    (tmp_path / "widths.py").write_text("WIDTH = 3\n")
    text = "import torch\nfrom widths import DEPTH\n\ntorch.zeros(1)\nkept = DEPTH + 1\n"
    done = followed(tmp_path, text)
    kept = done.interp.modules["script"].namespace["kept"]
    assert kept.first.reason == "'DEPTH' was not found in module 'widths'"
    assert kept.first.span.line == 2


@pytest.mark.parametrize(
    ("head", "found"),
    [
        ("sys.path.append('core')", True),
        ("sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'core'))", True),
        ("sys.path.extend([str(Path(__file__).parent.parent / 'core')])", True),
        ("sys.path.append(os.environ['CORE'])", False),
        ("sys.path.append('../outside')", False),
        ("sys.path.append('cores')", False),
    ],
)
def test_a_folder_that_a_script_puts_on_the_path_is_looked_into(tmp_path: Path, head: str, found: bool) -> None:
    """One inside of the project; a relative one counts from the project's folder or the script's."""
    for folder in ("project/core", "outside"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "widths.py").write_text("WIDE = 3\n")
    script = tmp_path / "project" / "tools" / "demo.py"
    script.parent.mkdir()
    script.write_text(
        f"import os\nimport sys\nimport torch\nfrom pathlib import Path\n{head}\nfrom widths import WIDE\n"
        "torch.nn.Linear(2, WIDE)(torch.zeros(1, 2))\n"
    )
    done = run.run_script(Workspace(tmp_path / "project"), script)
    assert not done.internal
    assert [row["out"]["t"] for row in rows(done.graphs, str)] == [[1, 3 if found else "?"]]


@pytest.mark.parametrize(("how", "width"), [("insert(0, 'core')", 5), ("insert(1, 'core')", 3), ("append('core')", 3)])
def test_a_folder_in_front_of_the_path_goes_before_that_of_the_script(tmp_path: Path, how: str, width: int) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "widths.py").write_text("WIDE = 3\n")
    (tmp_path / "core" / "widths.py").write_text("WIDE = 5\n")
    text = f"import sys\nimport torch\nsys.path.{how}\nfrom widths import WIDE\ntorch.nn.Linear(2, WIDE)(torch.zeros(1, 2))\n"
    assert [row["out"]["t"] for row in rows(followed(tmp_path, text).graphs, str)] == [[1, width]]


def test_what_lies_in_no_folder_in_front_is_found_as_ever(tmp_path: Path) -> None:
    """The script's own folder goes before the project's; a package that was imported keeps its parts."""
    for folder, width in ((".", 3), ("tools", 4)):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "widths.py").write_text(f"WIDE = {width}\n")
    for folder, width in (("tools", 5), ("core", 6)):
        (tmp_path / folder / "parts").mkdir(parents=True)
        (tmp_path / folder / "parts" / "__init__.py").touch()
        (tmp_path / folder / "parts" / "sizes.py").write_text(f"WIDE = {width}\n")
    script = tmp_path / "tools" / "script.py"
    script.write_text(
        "import sys\nimport torch\nimport parts\nsys.path.insert(0, 'core')\nfrom parts.sizes import WIDE\n"
        "import widths\ntorch.nn.Linear(widths.WIDE, WIDE)(torch.zeros(1, widths.WIDE))\n"
    )
    done = run.run_script(Workspace(tmp_path), script)
    assert [row["out"]["t"] for row in rows(done.graphs, str)] == [[1, 5]]
    assert done.interp.modules["widths"].namespace["WIDE"] == 4


def test_a_package_without_init_is_found_in_a_folder_on_the_path(tmp_path: Path) -> None:
    """And goes behind one that has it, in whichever folder that lies."""
    for folder, name, width in (("one", "plain", 3), ("one", "both", 4), ("two", "both", 5)):
        package = tmp_path / folder / name
        package.mkdir(parents=True)
        (package / "widths.py").write_text(f"WIDE = {width}\n")
    (tmp_path / "two" / "both" / "__init__.py").touch()
    text = (
        "import sys\nimport torch\nsys.path.append('one')\nsys.path.append('two')\n"
        "from plain import widths\nfrom both import widths as others\n"
        "torch.nn.Linear(widths.WIDE, others.WIDE)(torch.zeros(1, widths.WIDE))\n"
    )
    done = followed(tmp_path, text)
    assert [row["out"]["t"] for row in rows(done.graphs, str)] == [[1, 5]]


def test_a_module_beside_a_file_of_a_package_is_found_where_nothing_else_is(tmp_path: Path) -> None:
    """As where a script of the project says ``sys.path.append("core")``."""
    package = tmp_path / "core"
    (package / "parts").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "parts" / "__init__.py").write_text("")
    (package / "extractor.py").write_text(
        "from parts.sizes import WIDE\ndef double(x):\n    return x.repeat(1, WIDE)\n"
    )
    (package / "parts" / "sizes.py").write_text("import extractor\nWIDE = 2\n")
    script = package / "net.py"
    script.write_text(
        "import torch\nfrom extractor import double\ntry:\n    from extractor import other\nexcept ImportError:\n    other = 3\n"
        "class Net(torch.nn.Module):\n    def forward(self, x):\n        return double(x) + other\nNet()(torch.zeros(2, 3))\n"
    )
    done = run.run_script(Workspace(tmp_path), script)
    assert (done.errors, done.internal, done.interp.unresolved) == ([], {}, {})
    assert [row["out"] for row in rows(done.graphs, str)][-1] == {"t": [2, 6], "d": "f32"}
