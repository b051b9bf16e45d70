"""A function is exchanged by statement: what says the same stays, and places keep the order of the text."""

import ast
import random
from itertools import pairwise

import pytest

from ane_lsp.syntax.exchange import FUNCTIONS, nodes
from ane_lsp.syntax.moving import Follower

SOURCE = '''\
class Net:
    def __init__(self, width=4):
        self.width = width

    def forward(self, x, mask=None):
        """What it does."""
        y = self.first(x)
        for layer in self.layers:
            y = layer(
                y,
                mask,
            )
            if mask is not None:
                y = y * mask
            else:
                y = y + 1
        with no_grad():
            z = [one for one in y if one]
            z = sorted(z, key=lambda one: one.size)

        def inner(value):
            return value + z

        return inner(y)

    def other(self):
        return 1
'''
STATEMENTS = (
    "typed = 1",
    "y = self.more(\n    y,\n    1,\n)",
    "pass",
    "if y:\n    y = 2\nelse:\n    y = 3",
    "a = 1; b = 2",
)


def forward_of(tree: ast.Module) -> ast.FunctionDef:
    return next(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == "forward")


def edited(text: str, chance: random.Random) -> str:
    """A statement more, one less or one instead of another, somewhere in ``forward``."""
    tree = ast.parse(text)
    blocks = [
        block
        for node in ast.walk(forward_of(tree))
        for name in ("body", "orelse")
        if isinstance(block := getattr(node, name, None), list) and block and isinstance(block[0], ast.stmt)
    ]
    block = chance.choice(blocks)
    place = chance.randrange(len(block))
    lines = text.split("\n")
    first, last, column = block[place].lineno - 1, block[place].end_lineno, block[place].col_offset
    new = [" " * column + line for line in chance.choice(STATEMENTS).split("\n")]
    shared = sum(one.lineno <= block[place].lineno <= (one.end_lineno or 0) for one in block) > 1
    if shared or isinstance(block[place], ast.Expr):  # the docstring
        return text
    what = chance.choice(("more", "less", "instead"))
    if what == "more":
        lines[first:first] = new
    elif what == "instead" or len(block) == 1:
        lines[first:last] = new
    else:
        del lines[first:last]
    return "\n".join(lines)


def follower(text: str, tree: ast.Module) -> Follower:
    ran = {node for node in ast.walk(tree) if isinstance(node, FUNCTIONS)}
    return Follower(text, tree, ran, exchanges=True)


@pytest.mark.parametrize("seed", range(40))
def test_the_tree_says_what_the_text_says_and_every_place_is_found(seed: int) -> None:
    chance, text = random.Random(seed), SOURCE
    tree = ast.parse(text)
    following = follower(text, tree)
    for _ in range(8):
        text = edited(text, chance)
        shift = following.follow(text)
        assert shift is not None
        fresh = ast.parse(text)
        assert ast.dump(tree) == ast.dump(fresh)
        pairs = [(a, b) for a, b in zip(ast.walk(tree), ast.walk(fresh), strict=True) if hasattr(a, "lineno")]
        for old, new in pairs:
            assert (shift.line(old.lineno), shift.line(old.end_lineno)) == (new.lineno, new.end_lineno)
            assert (old.col_offset, old.end_col_offset) == (new.col_offset, new.end_col_offset)
        by_text = sorted({(new.lineno, old.lineno) for old, new in pairs})
        assert [place for _, place in by_text] == sorted(place for _, place in by_text)


def test_statements_that_say_the_same_are_the_very_objects() -> None:
    tree = ast.parse(SOURCE)
    before = list(forward_of(tree).body)
    within = list(before[2].body)
    following = follower(SOURCE, tree)
    text = SOURCE.replace("            if mask is", "            typed = 1\n            if mask is")
    assert following.follow(text) is not None
    function = forward_of(tree)
    assert all(a is b for a, b in zip(function.body, before, strict=True))
    loop = function.body[2]
    assert [one for one in loop.body if one in within] == within
    assert len(loop.body) == len(within) + 1
    assert {node.lineno for node in nodes(*within) if hasattr(node, "lineno")} <= set(range(1, 40))


def test_a_place_is_never_given_twice() -> None:
    """What was found at a place of an earlier version is not found at another statement of a later one."""
    tree = ast.parse(SOURCE)
    following = follower(SOURCE, tree)
    given: set[float] = set()
    for number in range(200):
        text = SOURCE.replace("        y = self.first(x)\n", f"        typed = {number}\n        y = self.first(x)\n")
        assert following.follow(text) is not None
        place = forward_of(tree).body[1].lineno
        assert 6 < place < 7
        assert place not in given
        given.add(place)


def test_where_no_place_is_left_the_function_is_exchanged_as_a_whole() -> None:
    tree = ast.parse(SOURCE)
    following = follower(SOURCE, tree)
    text = SOURCE
    for number in range(60):  # each between the last one and the same statement
        text = text.replace("        y = self.first(x)\n", f"        a{number} = 1\n        y = self.first(x)\n")
        shift = following.follow(text)
        assert shift is not None
        body = forward_of(tree).body
        assert [shift.line(one.lineno) for one in body] == [one.lineno for one in forward_of(ast.parse(text)).body]
        assert all(a.lineno < b.lineno for a, b in pairwise(body))


@pytest.mark.parametrize("behind", ["return inner(y)", "return 1"])
def test_what_is_put_behind_the_last_line_of_a_function_is_the_functions(behind: str) -> None:
    source = SOURCE + "\n\n@decorated\nclass Other(Net):\n    name = 1\n"
    tree = ast.parse(source)
    following = follower(source, tree)
    text = source.replace(f"        {behind}\n", f"        {behind}\n        typed = 1\n")
    shift = following.follow(text)
    assert shift is not None
    assert ast.dump(tree) == ast.dump(ast.parse(text))
    assert shift.line(tree.body[-1].lineno) == text.split("\n").index("class Other(Net):") + 1
