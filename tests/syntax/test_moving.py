"""Lines of an analysed text in the present one, over random edits that say the same."""

import ast
import random
from pathlib import Path

import pytest

from ane_lsp.syntax import moving
from ane_lsp.syntax.moving import Follower

TEXT = Path(moving.__file__).read_text(encoding="utf-8")


def everything(tree: ast.Module) -> set[ast.AST]:
    return set(ast.walk(tree))


def statements(tree: ast.Module) -> list[ast.stmt]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]


@pytest.mark.parametrize("seed", range(3))
def test_every_statement_is_found_again(seed: int) -> None:
    chance = random.Random(seed)
    tree = ast.parse(TEXT)
    follower = Follower(TEXT, tree, everything(tree))
    lines, added, followed = TEXT.split("\n"), [], 0
    for _ in range(60):
        for _ in range(chance.choice((1, 1, 1, 2))):  # sometimes far apart
            if added and chance.random() < 0.4:
                lines.remove(added.pop(chance.randrange(len(added))))
            else:
                added.append(f"{' ' * chance.choice((0, 4, 8))}# said {len(added)} {chance.random()}")
                lines.insert(chance.randrange(len(lines)), added[-1])
        text = "\n".join(lines)
        new = ast.parse(text)
        if ast.dump(new) != ast.dump(tree):  # it came into a string
            assert follower.follow(text) is None
            tree = new
            follower = Follower(text, tree, everything(tree))
            continue
        shift = follower.follow(text)
        assert shift is not None
        followed += 1
        for old, now in zip(statements(tree), statements(new), strict=True):
            assert shift.line(old.lineno) == now.lineno
            assert shift.line(old.end_lineno or 0) == now.end_lineno
    assert followed > 20


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x = 1\n", "x = True\n"),
        ("x = 0.0\n", "x = -0.0\n"),
        ("x = 1\n", "x = 1.0\n"),
        ("x = 1\n", "x  = 1\n"),
        ("x = 1\ny = 2\n", "y = 2\nx = 1\n"),
        ("x = 1\n", "x = 1\nx = 1\n"),
        ("x = '''\n\n'''\n", "x = '''\n\n\n'''\n"),
        ("def f(a=1):\n    return a\n", "def f(a=2):\n    return a\n"),
        ("def f():\n    return a()\n", "def f():\n    return 1\n"),  # no longer makes what may be a model
        ("def f():\n    '''one'''\n    x = 1\n", "def f():\n    '''two'''\n    x = 1\n"),
        ("class C:\n    def f(self):\n        x = 1\n", "class C:\n    def f(self):\n        x = C\n"),
        ("@d\ndef f():\n    x = 1\n", "@e\ndef f():\n    x = 1\n"),
        ("x = 1\n", "x = (\n"),
        ("x = 1\r\n", "x = 1\r\n\r\n"),
    ],
)
def test_what_says_something_else_is_not_followed(old: str, new: str) -> None:
    assert Follower(old, ast.parse(old), ()).follow(new) is None


def test_the_body_of_a_function_that_ran_counts() -> None:
    old, new = "def f():\n    x = 1\n\ny = 2\n", "def f():\n    x = 2\n    z = 3\n\ny = 2\n"
    tree = ast.parse(old)
    assert Follower(old, tree, everything(tree)).follow(new) is None
    shift = Follower(old, ast.parse(old), ()).follow(new)
    assert shift is not None
    assert (shift.line(1), shift.line(2), shift.line(4)) == (1, None, 5)
    assert shift.touched == ((1, 3),)


def test_what_matters_beyond_the_tree_is_not_followed() -> None:
    old, new = "x = 1\n", "x = 1  # ane: ignore\n"
    assert Follower(old, ast.parse(old), ()).follow(new) is not None
    assert Follower(old, ast.parse(old), (), lambda text: "ane:" in text).follow(new) is None
