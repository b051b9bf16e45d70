"""Notebooks as modules: which line is where, and what is no Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ane_lsp.syntax.notebook import cell_of, module_of, without_magics
from ane_lsp.syntax.positions import LineTable, utf8_length
from ane_lsp.syntax.source import decode_source

CELLS = [
    {"cell_type": "markdown", "source": ["# Text\n", "x = 1\n"]},
    {"cell_type": "code", "source": ["%matplotlib inline\n", "x = 1\n", 'y = "\u00e9"\n'], "outputs": ["x = 1\n"]},
    {"cell_type": "code", "source": []},
    {"cell_type": "code", "source": ["x = 1"]},
]


def notebook(cells: Any, **options: Any) -> str:
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}, **options)


@pytest.mark.parametrize(
    "options", [{"indent": 1}, {"indent": 2, "ensure_ascii": False}, {"indent": 1, "sort_keys": True}]
)
def test_lines_stand_where_the_file_has_them(options: dict[str, Any]) -> None:
    text = notebook(CELLS, **options)
    module, lines = module_of(text).split("\n"), text.split("\n")
    compile("\n".join(module), "cells", "exec")
    assert len(module) == len(lines) + 1
    code = [(line, lines[number]) for number, line in enumerate(module) if line.strip() and not line.startswith("#")]
    assert [line.strip() for line, _ in code] == ["pass", "x = 1", 'y = "\u00e9"', "x = 1"]
    for line, raw in code[1:]:
        assert json.loads(raw.strip().rstrip(",")).rstrip("\n") == line
    table = LineTable("\n".join(module))
    places = [
        cell_of(table, number) for number, line in enumerate(module, 1) if line.strip() and not line.startswith("#")
    ]
    assert places == [(2, 1), (2, 2), (2, 3), (4, 1)]


@pytest.mark.parametrize(
    "text", [notebook(CELLS), notebook([{**cell, "source": "".join(cell["source"])} for cell in CELLS], indent=1)]
)
def test_where_a_line_of_the_file_has_several_cell_follows_on_cell(text: str) -> None:
    module = module_of(text)
    compile(module, "cells", "exec")
    lines = module.split("\n")
    assert [line for line in lines if line.strip() and "=" in line] == ["x = 1", 'y = "\u00e9"', "x = 1"]
    assert cell_of(LineTable(module), lines.index("x = 1") + 1) == (2, 2)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"cells": 3}', "[" * 100_000, '{"worksheets": []}'])
def test_what_is_no_notebook_is_said(text: str) -> None:
    source = decode_source(Path("/n.ipynb"), text.encode())
    assert source.problem is not None
    assert source.problem.message.startswith("not a notebook")


@pytest.mark.parametrize(
    "cells", [[3], [{}], [{"cell_type": "code", "source": 3}], [{"cell_type": "code", "source": [1]}]]
)
def test_cells_that_are_none_are_left_out(cells: list[Any]) -> None:
    source = decode_source(Path("/n.ipynb"), notebook(cells, indent=1).encode())
    assert source.problem is None
    assert source.text.strip() == ""


@pytest.mark.parametrize(
    ("cell", "python"),
    [
        ("%matplotlib inline\nx = 1", "pass              \nx = 1"),
        ("!pip install torch\nx", "pass              \nx"),
        ("x?\ny", "##\ny"),
        ("if a:\n    %time f()\n", "if a:\n    0;    f()\n"),
        ("%time x = f()\n%timeit -n 10 -r3 g(x)\n", "0;    x = f()\n0;                g(x)\n"),
        ("%time for x in y: pass\n%timeit?\n", "pass                  \npass    \n"),
        ("!python train.py \\\n   --width 3 \\\n\nx = 1\n", "pass              \n#  --width 3 \\\n\nx = 1\n"),
        ("if a:\n    !ls \\\n      -l\n    b\n", "if a:\n    pass \n#     -l\n    b\n"),
        ("%time\n%timeit -n 10\n", "pass \npass         \n"),
        ("files = !ls -la\nx = !ls\nx != 3\n", "files = input()\nx = ...\nx != 3\n"),
        ("a=%\nb = !w\n", "a=%\npass  \n"),
        ("cd ..\nx = 1\npip install torch\n", "pass \nx = 1\npass             \n"),
        ("pip install \\\n  torch\nx = 1\n", "pass         \n# torch\nx = 1\n"),
        ("ls\n", "##\n"),
        ("ls -la\n", "pass  \n"),
        ("ls = 4\nls - 2\nls\n", "ls = 4\nls - 2\nls\n"),
        ("import run\nrun (3)\ntime = 3\n", "import run\nrun (3)\ntime = 3\n"),
        ('text = """\nrun the model"""\n', 'text = """\nrun the model"""\n'),
        ("load ='a'\n", "load ='a'\n"),
        ("x = (a\n  % b)\n", "x = (a\n  % b)\n"),
        ("%%time\nx = 1\n", "#%time\nx = 1\n"),
    ],
)
def test_magics_become_nothing_of_the_same_width(cell, python):
    made = without_magics(cell)
    assert made == python
    assert [utf8_length(line) for line in made.split("\n")] == [utf8_length(line) for line in cell.split("\n")]


def test_a_cell_magic_takes_its_whole_cell_out():
    made = without_magics("%%bash\nls -l\nif then\n")
    assert all(line == "" or line.startswith("#") for line in made.split("\n"))
