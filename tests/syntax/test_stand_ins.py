"""What is left of the ``else`` of an ``if TYPE_CHECKING:`` in a module that puts another object in its own place."""

from __future__ import annotations

import ast

import pytest

from ane_lsp.syntax.outline import outline
from ane_lsp.syntax.stand_ins import without_stand_in

_HEAD = "import sys\nfrom typing import TYPE_CHECKING\n\nnames = {'parts': ['Part']}\n\nif TYPE_CHECKING:\n    from .parts import *\nelse:\n"


def _left(inside: str, below: str = "", above: str = "") -> list[str]:
    """The statements of an ``else`` that still run."""
    text = above + _HEAD + "".join(f"    {line}\n" for line in inside.splitlines()) + below
    pieces = outline(text)
    assert pieces is not None
    (block,) = [one for one in ast.parse(text).body if isinstance(one, ast.If)]
    return [ast.unparse(one) for one in without_stand_in(block, pieces)]


_PUT = "sys.modules[__name__] = Lazy(__name__, made)"


@pytest.mark.parametrize(
    ("inside", "left"),
    [
        (_PUT, []),
        (f"made = list_folder()\n{_PUT}", []),
        (f"path = globals()['__file__']\nmade = list_folder(path)\nmade['x'].update(names)\n{_PUT}", []),
        (f"made = dict(names)\nfor one in names:\n    made.setdefault(one, set())\n{_PUT}", []),
        (f"import sys\nmade = list_folder()\n{_PUT}", ["import sys"]),
        (f"other = list_folder()\n{_PUT}", ["other = list_folder()"]),
        (f"register(names)\n{_PUT}", ["register(names)"]),
        (f"made = {{}}\nregister(made)\n{_PUT}", ["made = {}", "register(made)"]),
        (f"made = {{}}\nmade.a = 1\n{_PUT}", ["made = {}", "made.a = 1"]),
        (f"made = {{}}\nmade['a'] = 1\n{_PUT}", ["made = {}", "made['a'] = 1"]),
        (f"made = list_folder()\nnames.update(made)\n{_PUT}", ["made = list_folder()", "names.update(made)"]),
        (f"made = list_folder()\n{_PUT}\nprint(made)", ["made = list_folder()", "print(made)"]),
        ("made = list_folder()\nsys.modules['other'] = made", ["made = list_folder()", "sys.modules['other'] = made"]),
        ("made = list_folder()", ["made = list_folder()"]),
    ],
)
def test_what_only_the_object_is_made_of_does_not_run(inside: str, left: list[str]) -> None:
    assert _left(inside) == left


def test_what_the_file_uses_besides_runs() -> None:
    inside = f"made = list_folder()\n{_PUT}"
    assert _left(inside, "\n\ndef listed():\n    return made\n") == ["made = list_folder()"]
    assert _left(inside, "\nprint(made)\n") == ["made = list_folder()"]
    assert _left(inside, above="def listed():\n    return made\n\n\n") == ["made = list_folder()"]
    assert _left(inside, above="made = {}\n") == []  # that has run before


def test_a_file_that_was_not_cut_runs_as_it_is() -> None:
    (block,) = ast.parse(f"if TYPE_CHECKING:\n    pass\nelse:\n    {_PUT}\n").body
    assert isinstance(block, ast.If)
    assert without_stand_in(block, None) == block.orelse
