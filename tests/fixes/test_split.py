"""Models cut at an operation, and tables made once: the parts give what the whole gave."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from prove import analyser, build, given, module, settings
from test_layout import rewritten, same

from ane_lsp.fixes.refactorings import refactor
from ane_lsp.fixes.tree import Refused
from ane_lsp.syntax.source import decode_source

CUMSUM = module(
    "# widen\nB, T, C = x.shape  # sizes\ny = self.up(x)\nscale = y.abs().amax(-1, keepdim=True)\n"
    "z = torch.cumsum(y / scale, 1)  # along time\nreturn self.down(z * scale).reshape(B, T * C)",
    "self.up = nn.Linear(16, 32)\nself.down = nn.Linear(32, 16)",
    "torch.randn(2, 8, 16)",
)
LAST = module(
    "y = self.head(x)\n# sample\nreturn torch.argmax(y, dim=-1)",
    "self.head = nn.Linear(16, 32)",
    "torch.randn(2, 8, 16)",
)
NAMED = module(
    "y = self.head(x)\nids = y.argmax(-1)\nreturn ids", "self.head = nn.Linear(16, 32)", "torch.randn(2, 8, 16)"
)
FIRST = module(
    "x = self.wte(ids) + self.wpe\nreturn self.head(x)",
    "self.wte = nn.Embedding(64, 16)\nself.wpe = nn.Parameter(torch.randn(8, 16))\nself.head = nn.Linear(16, 64)",
    "torch.randint(0, 64, (2, 8))",
    "ids",
)
SORTED = module("return self.a(torch.sort(self.b(x) + 1)[0]) * x", "self.a = nn.ReLU()\nself.b = nn.Sigmoid()")


def parts(text: str, names: list[str]) -> None:
    """The methods one after the other give what forward gives; every one of them can be the forward of an export."""
    net = build(text)
    for seed in range(2):
        values: object = tuple(given(text, seed))
        with torch.no_grad():
            whole = net(*values)
            for name in names:
                values = getattr(net, name)(*values) if isinstance(values, tuple) else getattr(net, name)(values)
        assert torch.equal(values, whole)


def test_a_cut_in_the_middle(tmp_path: Path) -> None:
    after = rewritten(CUMSUM, "split-model", "torch.cumsum", tmp_path)
    same(CUMSUM, after)
    assert "        # widen\n        B, T, C = x.shape  # sizes\n" in after
    assert "return torch.cumsum(given, 1)  # along time" in after
    assert "given, scale, x = self.before_cumsum(x)" in after
    assert "def after_cumsum(self, cumsum_result, scale, x):\n        B, T, C = x.shape\n" in after.replace(
        "  # sizes", ""
    )


def test_before_and_after_can_be_traced(tmp_path: Path) -> None:
    net = build(rewritten(CUMSUM, "split-model", "torch.cumsum", tmp_path))
    (x,) = given(CUMSUM, 0)
    first = torch.jit.trace_module(net, {"before_cumsum": (x,)})
    made, scale, again = first.before_cumsum(x)
    last = torch.jit.trace_module(net, {"after_cumsum": (made.cumsum(1), scale, again)})
    assert "aten::cumsum" not in str(first.before_cumsum.graph) + str(last.after_cumsum.graph)
    torch.testing.assert_close(last.after_cumsum(made.cumsum(1), scale, again), net(x))


@pytest.mark.parametrize("text", [LAST, NAMED], ids=["returned", "named"])
def test_argmax_at_the_end(text: str, tmp_path: Path) -> None:
    after = rewritten(text, "split-model", "argmax", tmp_path)
    same(text, after)
    parts(after, ["before_argmax", "run_argmax"])
    assert "after_argmax" not in after


def test_an_embedding_at_the_start(tmp_path: Path) -> None:
    after = rewritten(FIRST, "split-model", "self.wte(ids)", tmp_path)
    same(FIRST, after)
    parts(after, ["run_embed", "after_embed"])
    assert "return self.after_embed(self.run_embed(ids))" in after


def test_a_cut_inside_an_expression(tmp_path: Path) -> None:
    after = rewritten(SORTED, "split-model", "torch.sort", tmp_path)
    same(SORTED, after)


REFUSED = {
    "branch": (module("if not self.training:\n    x = x.cumsum(1)\nelse:\n    x = x.cumsum(2)\nreturn x * 2"), "branch or a loop"),
    "returns": (module("if x.shape[0] > 5:\n    return x\ny = (x + 1).cumsum(1)\nreturn y * 2"), "more than one place"),
    "keywords": (module("y = (x * 2).cumsum(1)\nreturn y + 1", args="x, *more"), r"\*args"),
    "number": (module("n = 2 * x.shape[1]\ny = (x * 2).cumsum(1)\nreturn y * n"), "not known to be a tensor"),
    "everything": (module("return x.cumsum(1)"), "all that forward does"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_cuts_that_are_refused(case: str, tmp_path: Path) -> None:
    text, reason = REFUSED[case]
    with pytest.raises(Refused, match=reason):
        rewritten(text, "split-model", "cumsum(", tmp_path)


ROPE = module(
    "# rotary\ninv = 1.0 / (10000 ** (torch.arange(0, self.dim, 2).float() / self.dim))\n"
    "t = torch.arange(self.size, device=x.device)\n"
    "angles = torch.outer(t.float(), inv)\ncos = torch.cat((angles, angles), -1).cos()\n"
    "a, b = x.chunk(2, -1)\nreturn x * cos + torch.cat((-b, a), -1) * cos.flip(-1)",
    "self.dim = 16\nself.size = 8\nself.scale = nn.Parameter(torch.ones(1))",
    "torch.randn(2, 8, 16)",
)


def test_tables_are_made_once(tmp_path: Path) -> None:
    """One after the other, a rotary table moves to __init__ as a whole."""
    text = ROPE
    for needle in ("inv = 1.0", "t = torch.arange", "angles = ", "cos = torch.cat"):
        text = rewritten(text, "hoist-table", needle, tmp_path)
    forward = text[text.index("def forward") :]
    assert "arange" not in forward
    assert "cos()" not in forward
    assert 'self.register_buffer("t", torch.arange(self.size), persistent=False)' in text
    first, second = build(ROPE), build(text)
    assert list(first.state_dict()) == list(second.state_dict())
    second.load_state_dict(first.state_dict())
    for seed in range(3):
        (x,) = given(ROPE, seed)
        assert torch.equal(first(x), second(x))


TABLES_REFUSED = {
    "sizes of the input": (module("t = torch.arange(x.shape[-1])\nreturn x + t"), "may differ from call to call"),
    "random": (module("t = torch.randn(16)\nreturn x + t"), "makes the same each time"),
    "weights": (module("t = torch.exp(self.w)\nreturn x + t", "self.w = nn.Parameter(torch.ones(16))"), "not a number"),
    "written into": (module("t = torch.zeros(16)\nt[0] = 1.0\nreturn x + t"), "writes into the table"),
    "given again": (module("t = torch.zeros(16)\nt = t + 1\nreturn x + t"), "given again"),
    "another type": (module("t = torch.zeros(16, dtype=x.dtype)\nreturn x + t"), "may differ"),
    "a size set later": (
        module("t = torch.zeros(self.n)\nself.n = 16\nreturn x + t", "self.n = 16"), "not a number that __init__ sets once",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLES_REFUSED)
def test_tables_that_are_refused(case: str, tmp_path: Path) -> None:
    text, reason = TABLES_REFUSED[case]
    if "def __init__" not in text:
        text = text.replace(
            "class Net(nn.Module):\n", "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n\n"
        )
    with pytest.raises(Refused, match=reason):
        rewritten(text, "hoist-table", " t = torch", tmp_path)


def test_a_table_does_not_hide_a_method_of_modules(tmp_path: Path) -> None:
    text = module("half = torch.arange(16) // 2\nreturn x * half", "self.scale = 1.0", "torch.randn(2, 8, 16)")
    after = rewritten(text, "hoist-table", "half = ", tmp_path)
    assert 'self.register_buffer("half_table", torch.arange(16) // 2, persistent=False)' in after
    same(text, after)


def test_a_table_of_floats_follows_the_type_of_the_module(tmp_path: Path) -> None:
    """In half precision it is rounded, and the result is half where it was float: that is not safe, and is said."""
    path = tmp_path / "model.py"
    for table, safety in (("torch.arange(16)", "safe"), ("torch.arange(16.0)", "unsafe"), ("torch.ones(16).tril", "")):
        text = module(f"t = {table}\nreturn x * t", "self.scale = 1.0", "torch.randn(2, 8, 16)")
        path.write_text(text)
        run = analyser(path, settings())
        line = text.split("\n").index(f"        t = {table}") + 1
        if not safety:
            with pytest.raises(Refused):
                refactor(decode_source(path, text.encode()), run(text), "hoist-table", run, line)
            continue
        fix, after = refactor(decode_source(path, text.encode()), run(text), "hoist-table", run, line)
        assert fix.safety == safety
        assert ("half() and the like" in fix.title) == (safety == "unsafe")
        assert torch.equal(build(text)(torch.ones(16)), build(after)(torch.ones(16)))
