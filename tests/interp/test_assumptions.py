"""Inputs nobody wrote: what is assumed for a forward, and that it is told."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from assumed import follow, only, shape_of

from ane_lsp.interp import inputs
from ane_lsp.interp.probing import Probe


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return self.conv(torch.cat([x, y], dim=1))", ("[B, C, H, W]", "[B, C, H, W]")),
        ("return self.conv(x.permute(0, 3, 1, 2)) + y", ("[B, H, W, 8]", "[B, 8, H, W]")),
        ("return self.conv(x.unsqueeze(2)) + y", ("[B, 8, L]", "[B, 8, 1, L]")),
        ("return self.conv(F.interpolate(x, scale_factor=2)) + y", ("[B, 8, H, W]", None)),
        ("return self.conv(torch.cat([x[..., ::2, ::2], x[..., 1::2, ::2]], 1))", ("[B, C, H, W]", None)),
        ("return self.fc(x.transpose(-1, -2)) @ y", ("[B, 8, L]", None)),
        ("return self.fc(x.flatten(2).transpose(1, 2)), self.conv(y)", (None, "[B, 8, H, W]")),
        ("a, b = x.chunk(2, dim=1)\n        return self.conv(a) + y", ("[B, C, H, W]", None)),
        ("return self.conv(x[:, 0]) + y", ("[B, C, 8, H, W]", None)),
        ("b, c, h, w = x.size()\n        return self.conv(x) + y", ("[b, 8, h, w]", "[b, 8, h, w]")),
        ("return self.norm(x) * y", ("[B, C, H, W]", None)),
        ("return self.fc(x).masked_fill(~y, 0.0)", ("[B, L, 8]", "[B, L, 8] b8")),
        ("return self.fc(x).masked_fill(y[:, :, None], 0.0)", ("[B, L, 8]", "[B, L] b8")),
        ("b, h, w = y.shape\n        return self.fc(x), self.table(y.view(b, h * w))", ("[B, L, 8]", "[b, h, w] i64")),
        ("return self.fc(x).masked_fill(y[..., None], 0.0)", ("[B, L, 8]", "[B, L] b8")),
        ("return torch.where(y, self.fc(x), 0.0)", ("[B, L, 8]", "[B, L, 8] b8")),
        ("a, b = x.split([3, 5], 1)\n        return self.conv(torch.cat([a, b], 1))", ("[B, 8, H, W]", None)),
        ("return self.conv(x) + self.fc(y)[:, :, None, None]", ("[B, 8, H, W]", "[B, 8]")),
        ("a, b = self.fc(y).chunk(2, -1)\n        return self.fc(x) * (1 + a.unsqueeze(1)) + b[:, None]", ("[B, L, 8]", "[B, 8]")),
        ("return self.conv(self.conv(x) * y)", ("[B, 8, H, W]", "[B, 8, H, W]")),
        ("return self.table(x + self.offsets), self.fc(y + self.offsets)", ("[B, 8] i64", "[B, L, 8] f32")),
        ("return self.table(x % self.offsets - 1), self.fc(y / self.offsets)", ("[B, 8] i64", "[B, L, 8] f32")),
        ("return self.conv(x.chunk(2, 1)[0]), self.conv(torch.split(y, unknown, 1)[1])", ("[B, C, H, W]", "[B, C, H, W]")),
        ("return [self.conv(part) for part in x.split(unknown, dim=1)], self.conv(y.unbind(1)[0])", ("[B, C, H, W]", "[B, C, D, H, W]")),
        ("return [self.conv(part) for part in x.tensor_split(unknown, 1)[1:]], self.conv(torch.unbind(y, 2)[1:][0])", ("[B, C, H, W]", "[B, C, D, H, W]")),
        ("return (x * torch.exp(self.scale) + self.scale) * y", ("[B, 8, L]", "[B, 8, L]")),
        ("return self.fc(x + torch.zeros(x.size(1), x.size(2))), y", ("[B, L, 8]", None)),
        ("return self.fc(x + torch.zeros(x.shape[1], x.shape[2])), y", ("[B, L, 8]", None)),
        ("return self.rows(self.fc(x).relu()), self.rows(self.fc(y).transpose(1, 2))", ("[B, 8] f32", "[B, L, 8] f32")),
        ("h, t = self.table(x), self.table(y)\n        return torch.cat([t.unsqueeze(1).expand_as(h), h], -1)", ("[B, L] i64", "[B] i64")),
    ],
)  # fmt: skip
def test_uses_tell_inputs(tmp_path: Path, body: str, expected: tuple[str | None, ...]) -> None:
    text = f"""
    from nowhere import unknown

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(8, 8, 3, padding=1)
            self.fc = nn.Linear(8, 8)
            self.norm = nn.InstanceNorm2d(8)
            self.rows = nn.BatchNorm1d(8)
            self.table = nn.Embedding(4, 8)
            self.scale = nn.Parameter(torch.zeros(8, 1))
            self.register_buffer("offsets", torch.arange(8))

        def forward(self, x, y):
            {body.replace(chr(10) + "        ", chr(10) + " " * 12)}
    """
    entry = only(follow(tmp_path, net=text), "Net")
    for name, shape in zip(("x", "y"), expected):
        if shape is not None:
            assert shape_of(entry, name).startswith(shape), entry.assumed


@pytest.mark.parametrize(
    ("parameter", "body", "told"),
    [
        ("n", "return self.fc(x)[:, :n]", True),
        ("n", "return self.fc(x)[:, n + 1 : n * 2]", True),
        ("n", "x = self.fc(x)\n        return x.view(x.shape[0], n, -1, 8)", True),
        ("n", "return self.fc(x) + torch.zeros(1, n, 8)", True),
        ("n", "for _ in range(n // 2):\n            x = self.fc(x)\n        return x", True),
        ("n", "return self.cut(self.fc(x), n)", True),
        ("n", "return self.fc(x) * n", False),
        ("n", "return self.fc(x)[:, : n.max()]", False),
        ("n", "return self.fc(x)[:, : n.clamp(max=4)]", False),
        ("n: torch.Tensor", "return self.fc(x)[:, :n]", False),
    ],
)  # fmt: skip
def test_an_input_that_is_used_as_a_number_is_one(tmp_path: Path, parameter: str, body: str, told: bool) -> None:
    text = f"""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(8, 8)

        def cut(self, y, size):
            return y.narrow(1, 0, size)

        def forward(self, x, {parameter}):
            {body.replace(chr(10) + "        ", chr(10) + " " * 12)}
    """
    entry = only(follow(tmp_path, net=text), "Net")
    assert ("n is a symbol: it is used as a number" in entry.assumed) is told, entry.assumed
    assert not told or [v.name for v in entry.graph.inputs] == ["x"]


def test_what_the_source_says_of_shapes(tmp_path: Path) -> None:
    text = """
    class Commented(nn.Module):
        def forward(
            self,
            x,  # (B, T, 16)
            y,
        ):
            # y: [B, T]
            return x.relu(), y.relu()

    class Checked(nn.Module):
        def forward(self, x):
            assert x.dim() == 4
            return x.relu()

    class Listed(nn.Module):
        def forward(self, xs: list[torch.Tensor]):
            return xs[0]
    """
    done = follow(tmp_path, net=text)
    assert shape_of(only(done, "Commented"), "x").startswith("[B, T, 16]")
    assert shape_of(only(done, "Commented"), "y").startswith("[B, T]")
    assert shape_of(only(done, "Checked"), "x").startswith("[B, C, H, W]")
    assert not any(call.torch == "torch.Tensor.__getitem__" for e in done.entries for call in e.graph.calls)


def test_a_name_that_misled_is_tried_without(tmp_path: Path) -> None:
    text = """
    class Net(nn.Module):
        def forward(self, hidden_states):
            b, c, h, w = self.keep(hidden_states).shape
            return hidden_states.reshape(b, c, h * w)

        def keep(self, x):
            return x
    """
    entry = only(follow(tmp_path, net=text), "Net")
    assert shape_of(entry, "hidden_states").startswith("[b, c, h, w]")


def test_a_model_that_refuses_dictionaries(tmp_path: Path) -> None:
    text = """
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, input_values, return_dict=True):
            if return_dict:
                raise ValueError("set return_dict=False")
            return self.fc(input_values)
    """
    entry = only(follow(tmp_path, net=text), "Net")
    assert "return_dict=False: the call fails without" in entry.assumed
    assert [call.torch for call in entry.graph.calls] == ["torch.nn.Linear"]


@pytest.mark.parametrize(
    ("signature", "body", "rank"),
    [
        ("xs: list[torch.Tensor]", "return self.conv(xs[0])", "with 4 dimensions"),
        ("xs: list[torch.Tensor]", "return [self.conv(x) for x in xs]", "with 4 dimensions"),
        ("xs: tuple[torch.Tensor, ...]", "return [conv(x) for conv, x in zip([self.conv], xs)]", "with 4 dimensions"),
        ("xs: list[torch.Tensor]", "for i, x in enumerate(xs):\n            y = self.conv(x)\n        return y", "with 4 dimensions"),
    ],
)  # fmt: skip
def test_lists_of_tensors(tmp_path: Path, signature: str, body: str, rank: str) -> None:
    text = f"""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(8, 4, 1)

        def forward(self, {signature}):
            {body.replace(chr(10) + "        ", chr(10) + " " * 12)}
    """
    entry = only(follow(tmp_path, net=text), "Net")
    assert rank in entry.assumed[0]
    assert str(entry.graph.calls[-1].result.type) == "[B, 4, ?, ?] f32"


def test_a_list_of_unknown_length_is_joined(tmp_path: Path) -> None:
    text = """
    class Net(nn.Module):
        def __init__(self, dim, heads=4):
            super().__init__()
            self.size = dim // heads
            self.scale = self.size ** -0.5
            self.proj = nn.Conv2d(dim, dim, 1)

        def forward(self, x):
            parts = self.proj(x).split(self.size, dim=1)
            return torch.cat([part.softmax(1) * self.scale for part in parts], dim=2)
    """
    calls = only(follow(tmp_path, net=text), "Net").graph.calls
    assert str(calls[-2].result.type) == "[B, ?, H, W] f32"  # a factor nobody knows leaves the shape alone
    assert str(calls[-1].result.type) == "[B, ?, ?, W] f32"


def test_an_input_that_is_a_key_is_no_tensor(tmp_path: Path) -> None:
    text = """
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.scales = {"large": 2.0, "small": 0.5}
            self.fc = nn.Linear(8, 4)

        def forward(self, x, kind):
            return self.fc(x) * self.scales[kind]
    """
    entry = only(follow(tmp_path, net=text), "Net")
    assert entry.graph.lost == {}
    assert len(entry.graph.ops) == 2


def test_slices_along_an_axis_of_unknown_size_have_the_other_sizes(tmp_path: Path) -> None:
    text = """
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(8, 4, 1)

        def forward(self, x):
            frames = [self.conv(frame) for frame in x.unbind(1)]
            return torch.stack(frames, 1), self.conv(torch.unbind(x, dim=1)[0]), x.unbind()[-1]
    """
    entry = only(follow(tmp_path, net=text), "Net")
    assert shape_of(entry, "x").startswith("[B, C, D, H, W]")
    shapes = [str(one.type) for one in entry.graph.outputs]
    assert shapes[:2] == ["[B, ?, 4, H, W] f32", "[B, 4, H, W] f32"]


def test_a_called_module_insists_on_a_rank(tmp_path: Path) -> None:
    text = """
    class Norm(nn.Module):
        def __init__(self):
            super().__init__()
            self.expected_rank = 4

        def forward(self, inputs):
            rank = len(inputs.size())
            if rank == 3:
                inputs = inputs.unsqueeze(2)
                rank = len(inputs.size())
            assert rank == self.expected_rank
            return inputs.mean(dim=1, keepdims=True)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = Norm()

        def forward(self, x):
            return self.norm(x) * 2
    """
    entry = only(follow(tmp_path, net=text), "Net")
    assert shape_of(entry, "x").startswith("[B, C, H, W]")
    assert "in Norm" in entry.assumed[-1]


def test_an_optional_tensor_the_call_fails_without(tmp_path: Path) -> None:
    text = """
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.context = nn.Linear(8, 8), nn.Linear(4, 8)

        def forward(self, x, context: torch.Tensor | None = None, mask: torch.Tensor | None = None):
            x = self.fc(x) + self.context(context)
            return x if mask is None else x * mask
    """
    entry = only(follow(tmp_path, net=text), "Net")
    assert str(entry.graph.calls[-1].result.type) == "[B, L, 8] f32"
    assert "context is given, though optional: the call fails without" in entry.assumed
    assert shape_of(entry, "context").startswith("[B, L, 4]")


def test_an_optional_tensor_that_may_be_left_out_is(tmp_path: Path) -> None:
    """As the guidance of diffusers' Flux: a model that was not made for it refuses it."""
    text = """
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.context = nn.Linear(8, 8), nn.Linear(4, 8)

        def forward(self, x, context=None, guidance=None, extra=None):
            x = self.fc(x) + (self.context(context) if guidance is None else self.context(context, guidance))
            return x if not extra else x + extra[0].unheard
    """
    entry = only(follow(tmp_path, net=text), "Net")
    assert str(entry.graph.calls[-1].result.type) == "[B, L, 8] f32"
    given = [one for one in entry.assumed if one.endswith("is given, though optional: the call fails without")]
    assert given == ["context is given, though optional: the call fails without"]


def test_an_optional_tensor_that_is_asked_for_is_given_where_the_call_fails_without(tmp_path: Path) -> None:
    text = """
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.context, self.mask = nn.Linear(8, 8), nn.Linear(4, 8), None

        def forward(self, x, context=None, mask=None):
            x = self.fc(x) + self.context(context)
            if mask is None:
                mask = self.mask
            return torch.sigmoid(x * mask.unsqueeze(-1))
    """
    entry = only(follow(tmp_path, net=text), "Net")
    assert [call.torch for call in entry.graph.calls][-1] == "torch.sigmoid"
    for name in ("context", "mask"):
        assert f"{name} is given, though optional: the call fails without" in entry.assumed


@pytest.mark.parametrize(
    ("source", "asked"),
    [
        ("if a is None: pass", True),
        ("return b if a is not None else c", True),
        ("a = a or b", True),
        ("if not a: pass", True),
        ("while a: pass", True),
        ("if a == None: pass", True),
        ("if a is b: pass", False),
        ("if f(a): pass", False),
        ("return a.size(0) or 1", False),
    ],
)
def test_whether_a_function_asks_for_none(source: str, asked: bool) -> None:
    import ast

    from ane_lsp.interp.parameter_uses import may_be_none

    assert may_be_none(ast.parse(f"def f(a, b, c):\n    {source}"), "a") is asked


def test_inputs_are_named_as_by_custom(tmp_path: Path) -> None:
    """Two sequences need not have the same length."""
    text = """
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.context, self.time = nn.Linear(8, 8), nn.Linear(4, 8), nn.Linear(6, 8)

        def forward(self, hidden_states, encoder_hidden_states, timestep):
            assert timestep.ndim == 1
            time = self.time(timestep[:, None].expand(-1, 6))[:, None]
            return torch.cat([self.fc(hidden_states), self.context(encoder_hidden_states)], 1) + time
    """
    entry = only(follow(tmp_path, net=text), "Net")
    assert str(entry.graph.calls[-1].result.type) == "[B, L + S, 8] f32"
    assert shape_of(entry, "timestep").startswith("[B]")


def test_an_input_that_the_program_asks_for_by_name_is_given(tmp_path: Path) -> None:
    text = """
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.patches = nn.Embedding(9, 8), nn.Conv2d(3, 8, 4, stride=4)

        def forward(self, input_ids=None, pixel_values=None, image_embeds=None, weight=None):
            if pixel_values is not None and image_embeds is not None:
                raise ValueError("pixel_values and image_embeds cannot both be given")
            if pixel_values is None and image_embeds is None:
                raise ValueError("You have to specify either pixel_values or image_embeds")
            if image_embeds is None:
                image_embeds = self.patches(pixel_values).flatten(2).transpose(1, 2)
            return torch.cat([self.words(input_ids), image_embeds], dim=1)
    """
    entry = only(follow(tmp_path, net=text), "Net")
    assert [call.torch for call in entry.graph.calls][-1] == "torch.cat"
    assert "pixel_values is given, though optional: the call fails without" in entry.assumed
    assert shape_of(entry, "pixel_values").startswith("[B, 3, H, W]")


def test_what_torch_says_asks_for_no_input(tmp_path: Path) -> None:
    """Its messages name parameters of its own: ``weight should have at least three dimensions``."""
    text = """
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.kernel = nn.Parameter(torch.ones(2, 3))

        def forward(self, x, weight=None):
            return F.conv2d(x, self.kernel if weight is None else weight)
    """
    entries = follow(tmp_path, net=text).entries
    assert entries
    assert not any("weight" in told for entry in entries for told in entry.assumed)


def test_an_input_that_is_no_tensor(tmp_path: Path) -> None:
    text = """
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(8, 8)

        def forward(self, images, x):
            sizes = images.image_sizes
            return self.fc(x)
    """
    entry = only(follow(tmp_path, net=text), "Net")
    assert [call.torch for call in entry.graph.calls] == ["torch.nn.Linear"]


def test_sizes_that_are_spelt_out_are_known_whatever_they_are_made_of(tmp_path: Path) -> None:
    """``view``, ``permute`` and ``expand`` name every dimension of their result; what was there before does not matter."""
    text = """
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("table", torch.zeros(1, 64, 32))

        def forward(self, x, pos):
            row = self.table[:, pos]
            return row.view(1, 1, -1, 32) * 2, row.permute(0, 2, 1), row.expand(4, -1), row.reshape(-1, 8)
    """
    calls = only(follow(tmp_path, net=text), "Net").graph.calls
    assert [str(call.result.type) for call in calls] == [
        "? f32", "[1, 1, ?, 32] f32", "[1, 1, ?, 32] f32", "[?, ?, ?] f32", "[4, ?] f32", "[?, 8] f32",
    ]  # fmt: skip


def test_a_class_inside_a_function_that_nothing_calls(tmp_path: Path) -> None:
    """An export wrapper: the model it is given is unknown, what it does itself is not."""
    text = """
    def export(path, model, width=8):
        from torch.nn import functional as fn

        model = load(path)

        class Wrapper(nn.Module):
            def __init__(self, model):
                super().__init__()
                self.model = model
                self.head = nn.Conv2d(width, 2, 1)

            def forward(self, x):
                return fn.relu(self.head(x)), self.model(x)

        return torch.jit.trace(Wrapper(model), torch.zeros(1, width, 4, 4))


    class Exporter:
        def run(self, model):
            if model:
                class Inner(nn.Module):
                    def forward(self, x):
                        return x.permute(0, 2, 1)

            return Inner()
    """
    done = follow(tmp_path, net=text)
    found = {entry.graph.name: [(c.torch, str(c.result.type)) for c in entry.graph.calls] for entry in done.entries}
    assert found["Wrapper"][:2] == [
        ("torch.nn.Conv2d", "[B, 2, H, W] f32"),
        ("torch.nn.functional.relu", "[B, 2, H, W] f32"),
    ]
    assert found["Inner"] == [("torch.Tensor.permute", "[B, C, L] f32")]


def test_an_input_whose_shape_is_described_holds_what_its_use_asks_for(tmp_path: Path) -> None:
    net = """
    class Tower(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(8, 8)

        def forward(self, hidden_states, grid):
            '''
            hidden_states (`torch.Tensor` of shape `(seq_len, 8)`): The patches.
            grid (`torch.Tensor` of shape `(num_images, 3)`): Their numbers.
            '''
            lengths = torch.repeat_interleave(grid[:, 1] * grid[:, 2], grid[:, 0])
            return self.fc(hidden_states), lengths.cumsum(0)
    """
    entry = only(follow(tmp_path, net=net), "Tower")
    assert (shape_of(entry, "hidden_states"), shape_of(entry, "grid")) == ("[seq_len, 8] f32", "[num_images, 3] i64")
    assert [op.kind for op in entry.graph.ops if op.kind in ("linear", "cumsum")] == ["linear", "cumsum"]


@pytest.mark.parametrize(("name", "kind"), [("indices", "[nnz] i64"), ("mask", "[nnz] b8")])
def test_an_input_in_the_place_of_an_index_holds_places(tmp_path: Path, name: str, kind: str) -> None:
    net = f"""
    class Unpad(nn.Module):
        def __init__(self):
            super().__init__()
            self.end = nn.Linear(8, 4)

        def forward(self, x, {name}):
            \"\"\"
            x: (nnz, 8)
            {name}: (nnz,)
            \"\"\"
            return self.end(x)[{name}]
    """
    entry = only(follow(tmp_path, net=net), "Unpad")
    assert shape_of(entry, name) == kind
    rows = "nnz" if name == "indices" else "?"
    assert str(entry.graph.calls[-1].result.type) == f"[{rows}, 4] f32"


@pytest.mark.parametrize("axes", ["*self.axes", "self.axes"])
def test_axes_that_nobody_knows_say_nothing_of_the_rank(tmp_path: Path, axes: str) -> None:
    net = f"""
    class Permute(nn.Module):
        def __init__(self, axes):
            super().__init__()
            self.axes = axes

        def forward(self, x):
            return x.permute({axes})
    """
    assert "nothing tells the shape of `x`" in only(follow(tmp_path, net=net), "Permute").assumed


def test_words_that_the_code_contradicts_do_not_count(tmp_path: Path) -> None:
    net = """
    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.q = nn.Conv2d(8, 8, 1)

        def forward(self, x):  # x (B,N,C)
            B, C, H, W = x.shape
            return self.q(x).reshape(B, C, H * W)


    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = Attention()

        def forward(self, x):
            return self.attention(x)


    class Right(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(8, 8)

        def forward(self, x):  # x (batch,length,8)
            return self.fc(x)
    """
    done = follow(tmp_path, net=net)
    assert not done.run.errors
    assert only(done, "Block").assumed == ("x: [B, 8, H, W] f32 (its shape is unpacked)",)
    assert only(done, "Right").assumed == ("x: [batch, length, 8] f32 (its comment)",)


def test_what_is_none_by_default_is_given_where_the_call_fails_without(tmp_path: Path) -> None:
    net = """
    class Update(nn.Module):
        def __init__(self):
            super().__init__()
            self.gate = nn.Conv2d(16, 8, 1)
            self.first = nn.Conv2d(4, 8, 1)

        def forward(self, net, corr=None, scale=None):
            x = self.gate(torch.cat([net, self.first(corr)], 1))
            return x if scale is None else x * scale


    class Fails(nn.Module):
        def __init__(self):
            super().__init__()
            self.gate = nn.Conv2d(8, 8, 1)
            self.table = None

        def forward(self, net, other=None):
            return self.gate(net) + self.table.width
    """
    done = follow(tmp_path, net=net)
    update = only(done, "Update")
    assert shape_of(update, "corr") == "[B, 4, H, W] f32"
    assert "corr is given, though optional: the call fails without" in update.assumed
    assert [text.partition(":")[0] for text, _ in done.run.errors] == ["AttributeError"]
    assert not any("other" in text for text in only(done, "Fails").assumed)


def test_what_a_forward_calls_is_no_tensor(tmp_path: Path) -> None:
    done = follow(
        tmp_path,
        net="""
        class Decoder(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = nn.Conv2d(8, 8, 1)

            def forward(self, x, heads, embed):
                x = self.layer(x) + embed(x)
                return F.relu(heads[0](x)), self.layer(x)
        """,
    )
    assert not done.run.errors
    decoder = only(done, "Decoder")
    assert [call.torch for call in decoder.graph.calls] == [
        "torch.nn.Conv2d", "torch.Tensor.add", "torch.nn.functional.relu", "torch.nn.Conv2d",
    ]  # fmt: skip
    assert [value.name for value in decoder.graph.inputs] == ["x"]
    assert {"heads is unknown: nothing gives it a value", "embed is unknown: nothing gives it a value"} < {
        *decoder.assumed
    }


def test_what_is_gone_through_as_pictures_is_a_list_of_them(tmp_path: Path) -> None:
    """Necks and heads are given feature maps of several sizes; a clip is one tensor."""
    done = follow(
        tmp_path,
        net="""
        class Pyramid(nn.Module):
            def __init__(self, widths=(64, 128)):
                super().__init__()
                self.lateral = nn.ModuleList([nn.Conv2d(width, 32, 1) for width in widths])

            def forward(self, inputs):
                fine, coarse = [conv(inputs[i]) for i, conv in enumerate(self.lateral)]
                return fine + F.interpolate(coarse, scale_factor=2)


        class Neck(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(64, 32, 1)

            def forward(self, inputs):
                fine, coarse = inputs
                return torch.cat([self.conv(fine), coarse], 1)


        class Clip(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(3, 8, 3)

            def forward(self, inputs):
                return torch.stack([self.conv(inputs[:, 0]), self.conv(inputs[:, 1])], 1)
        """,
    )
    assert not done.run.errors
    pyramid, neck, clip = (only(done, name) for name in ("Pyramid", "Neck", "Clip"))
    assert [call.torch.rpartition(".")[2] for call in pyramid.graph.calls] == ["Conv2d", "Conv2d", "interpolate", "add"]
    assert [call.torch.rpartition(".")[2] for call in neck.graph.calls] == ["Conv2d", "cat"]
    told = "inputs: a list of tensors with 4 dimensions (first used by conv2d, item by item)"
    assert pyramid.assumed == neck.assumed == (told,)
    assert [(v.name, v.origin) for v in pyramid.graph.inputs] == [("inputs_0", "input"), ("inputs_1", "input")]
    first, second = (call.result.type.shape for call in pyramid.graph.calls[:2])
    assert first[:2] == second[:2]
    assert first[:1] == neck.graph.calls[0].result.type.shape[:1]
    assert not {*first[2:]} & {*second[2:]}  # sizes of one of them are not those of another
    assert shape_of(clip, "inputs") == "[B, C, 3, H, W] f32"


def test_inputs_that_somebody_wrote_go_to_a_class_whose_constructor_needs_more(tmp_path: Path) -> None:
    text = """
    class Net(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.conv = nn.Conv2d(width, 8, 3)

        def forward(self, x):  # ane: input(1x3x32x32)
            return self.conv(x)
    """
    done = follow(tmp_path, net=text)
    entry = only(done, "Net")
    assert entry.asked
    assert shape_of(entry, "x") == "[1, 3, 32, 32] f32"
    assert str(entry.graph.outputs[0].type) == "[1, 8, 30, 30] f32"
    assert [text.split(" is")[0] for text in entry.assumed] == ["width"]
    assert not done.run.errors


def test_any_number_of_inputs(tmp_path: Path) -> None:
    """Decoders of dense prediction are given one feature map or two."""
    done = follow(
        tmp_path,
        net="""
        class Fusion(nn.Module):
            def __init__(self):
                super().__init__()
                self.one = nn.Conv2d(8, 8, 3, padding=1)
                self.two = nn.Conv2d(8, 4, 1)

            def forward(self, *xs):
                output = xs[0]
                if len(xs) == 2:
                    output = output + self.one(xs[1])
                return self.two(output)


        class Upsampler(nn.Module):
            def __init__(self):
                super().__init__()
                self.wide = nn.Conv2d(32, 8, 1)
                self.narrow = nn.Conv2d(16, 8, 1)

            def forward(self, *inputs):
                return torch.cat([self.wide(inputs[-1]), self.narrow(inputs[-2])], 1)


        class Given(nn.Module):
            def forward(self, x, *rest):
                return F.relu(x)


        class Wrapper(nn.Module):
            def __init__(self):
                super().__init__()
                self.decoder = Fusion()

            def forward(self, *args, **kwargs):
                return self.decoder(*args, **kwargs) if args else None
        """,
    )
    assert not done.run.errors
    fusion, upsampler = only(done, "Fusion"), only(done, "Upsampler")
    assert fusion.assumed == ("xs: a list of tensors with 4 dimensions (first used by conv2d)",)
    assert [op.kind for op in fusion.graph.ops if not op.folds] == ["conv", "add", "conv"]
    assert [str(value.type)[:5] for value in fusion.graph.outputs] == ["[B, 4"]
    assert [op.kind for op in upsampler.graph.ops if not op.folds] == ["conv", "conv", "concat"]
    assert {value.name for value in upsampler.graph.inputs} <= {"inputs_0", "inputs_-1", "inputs_-2"}
    assert upsampler.graph.ops[-1].outputs[0].type.shape[1] == 16
    wrapper = only(done, "Wrapper")
    assert wrapper.assumed == fusion.assumed
    assert [op.kind for op in wrapper.graph.ops if not op.folds] == ["conv", "add", "conv"]
    assert only(done, "Given").assumed == ("nothing tells the shape of `x`",)


def test_an_input_that_is_asserted_to_be_a_list_is_one(tmp_path: Path) -> None:
    done = follow(
        tmp_path,
        net="""
        class Pathways(nn.Module):
            def __init__(self):
                super().__init__()
                self.blocks = nn.ModuleList([nn.Conv3d(3, 8, 1), nn.Conv3d(3, 16, 1)])

            def forward(self, x):
                assert isinstance(x, list), "a list of tensors"
                return torch.cat([block(x[i]) for i, block in enumerate(self.blocks)], 1)


        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.stages = nn.ModuleList([Pathways()])

            def forward(self, clips):
                for stage in self.stages:
                    clips = stage(clips)
                return clips
        """,
    )
    net = only(done, "Net")
    assert not done.run.errors
    assert net.assumed == ("clips: a list of tensors with 5 dimensions (first used by conv3d)",)
    assert net.graph.ops[-1].outputs[0].type.shape[1] == 24


def test_what_a_forward_reads_by_keys_is_unknown(tmp_path: Path) -> None:
    done = follow(
        tmp_path,
        net="""
        class Detector(nn.Module):
            def __init__(self):
                super().__init__()
                self.stem = nn.Conv2d(3, 8, 3)

            def forward(self, x, targets=None, **kw):
                captions = kw["captions"] if targets is None else targets
                return self.stem(x), captions, kw["names"]


        class Decoder(nn.Module):
            def __init__(self):
                super().__init__()
                self.stem = nn.Conv2d(3, 8, 3)

            def forward(self, x, data={}, others={}):
                return self.stem(x) * data["scale"]


        class Wrong(nn.Module):
            def __init__(self):
                super().__init__()
                self.table = {}
                self.stem = nn.Conv2d(3, 8, 3)

            def forward(self, x, data={}):
                return self.stem(x) * self.table["scale"]
        """,
    )
    assert [text for text, _ in done.run.errors] == ["KeyError: 'scale'"]
    unknown = "is unknown: nothing gives it a value"
    assert {f"captions {unknown}", f"names {unknown}"} <= {*only(done, "Detector").assumed}
    assert only(done, "Decoder").assumed == ("x: [B, 3, H, W] f32 (first used by conv2d)", f"data {unknown}")
    assert [call.torch for call in only(done, "Decoder").graph.calls] == ["torch.nn.Conv2d", "torch.Tensor.mul"]


@pytest.mark.parametrize(
    ("error", "again"),
    [
        ("RuntimeError: mat1 and mat2 shapes cannot be multiplied", True),
        ("AttributeError: 'Tensor' object has no attribute 'boxes'", True),
        ("AttributeError: 'Layer' object has no attribute 'dense'", False),
        ("AttributeError: 'bool' object has no attribute 'unsqueeze'", False),
    ],
)
def test_words_about_inputs_are_given_up_only_for_what_they_may_have_caused(error: str, again: bool) -> None:
    """A call made once more costs as much as the first."""
    forward = ast.parse("def forward(self, x): pass").body[0]
    probe = Probe("x")
    probe.learn("its docstring", rank=2)
    assert bool(inputs._without_guesses(forward, {"x": probe}, error)) == again  # type: ignore[arg-type]


def test_what_is_looked_up_may_be_one_label_each(tmp_path: Path) -> None:
    """Rows of tokens are the rule; a condition that is stretched over the places is looked up by one label for each picture."""
    done = follow(
        tmp_path,
        net="""
        class Conditioned(nn.Module):
            def __init__(self):
                super().__init__()
                self.inside, self.labels = nn.Linear(4, 32), nn.Embedding(10, 32)
                self.norm, self.condition = nn.LayerNorm(32), nn.Linear(32, 64)

            def forward(self, x, y):
                x = self.inside(x)
                shift, scale = self.condition(self.labels(y)).chunk(2, dim=1)
                return self.norm(x) * (1 + scale.unsqueeze(1)) + shift.unsqueeze(1)


        class Tokens(nn.Module):
            def __init__(self):
                super().__init__()
                self.words, self.head = nn.Embedding(10, 32), nn.Linear(16, 2)

            def forward(self, ids):
                return self.head(self.words(ids))
        """,
    )
    conditioned = only(done, "Conditioned")
    assert shape_of(conditioned, "y") == "[B] i64"
    assert "y: [B] i64 (the call fails with rows of them)" in conditioned.assumed
    assert [str(value.type) for value in conditioned.graph.outputs] == ["[B, L, 32] f32"]
    assert shape_of(only(done, "Tokens"), "ids") == "[B, L] i64"  # fails whatever is given
