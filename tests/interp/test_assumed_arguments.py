"""Constructor arguments nobody wrote: what is assumed for a class, and that it is told."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from assumed import HEAD, follow, only


def test_arguments_a_base_class_asks_for(tmp_path: Path) -> None:
    text = """
    class Block(nn.Module):
        def __init__(self, dim, hidden_dim):
            super().__init__()
            self.up = nn.Linear(dim, hidden_dim)

    class Wide(Block):
        def __init__(self, dim, **kwargs):
            super().__init__(dim, **kwargs)

        def forward(self, x):
            return self.up(x)
    """
    entry = only(follow(tmp_path, net=text), "Wide")
    assert "hidden_dim is a symbol: the constructor gives it no value" in entry.assumed
    assert str(entry.graph.calls[0].result.type).startswith("[B, L, hidden_dim]")


def test_callers_in_the_package_give_the_arguments(tmp_path: Path) -> None:
    block = """
    class Block(nn.Module):
        def __init__(self, norm, act):
            super().__init__()
            self.norm = norm(8)
            self.act = act

        def forward(self, x):
            return self.act(self.norm(x))
    """
    model = """
    from .block import Block

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Conv2d(3, 8, 3)
            self.block = Block(nn.BatchNorm2d, nn.ReLU())

        def forward(self, x):
            return self.block(self.stem(x))
    """
    done = follow(tmp_path, "pkg/block.py", __init___in_pkg="", block_in_pkg=block, model_in_pkg=model)
    (entry,) = done.entries
    line = (HEAD + textwrap.dedent(model)).splitlines().index("class Model(nn.Module):") + 1
    assert entry.assumed[0] == f"called by Model in pkg/model.py:{line}"
    assert entry.span.file.endswith("block.py")
    inside = {c.torch: str(c.result.type) for c in entry.graph.calls if c.span.file.endswith("block.py")}
    assert set(inside) == {"torch.nn.BatchNorm2d", "torch.nn.ReLU"}, inside
    assert all(text.startswith("[B, 8, H - 2, W - 2]") for text in inside.values()), inside


BLOCK = """
class Block(nn.Module):
    def __init__(self, norm):
        super().__init__()
        self.norm = norm

    def forward(self, x):
        return self.norm(x).relu()
"""


def test_a_caller_that_knows_no_more_changes_nothing(tmp_path: Path) -> None:
    model = """
    from block import Block

    class Model(nn.Module):
        def __init__(self, norm):
            super().__init__()
            self.block = Block(norm)

        def forward(self, x):
            return self.block(x)
    """
    done = follow(tmp_path, "block.py", block=BLOCK, model=model)
    assert [e.graph.name for e in done.entries] == ["Block"]


def test_scripts_at_work_are_not_run_for_the_classes_they_use(tmp_path: Path) -> None:
    script = """
    from block import Block

    def build():
        return Block(nn.ReLU())

    total = 0
    for epoch in range(10_000):
        for batch in range(10_000):
            total += Block(nn.ReLU())(torch.randn(2, 8)).numel()
    """
    done = follow(tmp_path, "block.py", block=BLOCK, script=script)
    assert [e.graph.name for e in done.entries] == ["Block"]
    assert done.run.stopped is None
    assert done.run.interp.steps < 150_000


def test_classes_that_hand_on_what_they_are_given_need_no_caller(tmp_path: Path) -> None:
    """Whoever uses one, it computes nothing."""
    drop = """
    class DropPath(nn.Module):
        def __init__(self, rate=0.1):
            super().__init__()
            self.rate = rate

        def forward(self, x):
            if not self.training:
                return x
            return x * torch.rand(x.shape[0])
    """
    model = """
    from .drop import DropPath

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.drop = DropPath()

        def forward(self, x):
            return self.drop(x.relu())
    """
    done = follow(tmp_path, "pkg/drop.py", __init___in_pkg="", drop_in_pkg=drop, model_in_pkg=model)
    (entry,) = done.entries
    assert entry.assumed == ("nothing tells the shape of `x`",)
    assert not entry.graph.calls


def test_configurations_by_name(tmp_path: Path) -> None:
    text = """
    from dataclasses import dataclass

    @dataclass
    class VisionConfig:
        width: int = 12

    @dataclass
    class TextConfig:
        vocab: int
        width: int = 16

    class TextModel(nn.Module):
        def __init__(self, config):
            super().__init__()
            self.embed = nn.Embedding(config.vocab, config.width)

        def forward(self, ids):
            return self.embed(ids)
    """
    entry = only(follow(tmp_path, net=text), "TextModel")
    assert str(entry.graph.calls[0].result.type).startswith("[B, L, 16]")
    assert "TextConfig.vocab has no default" in entry.assumed


def test_a_number_of_layers_is_taken(tmp_path: Path) -> None:
    text = """
    class Net(nn.Module):
        def __init__(self, dim, num_layers):
            super().__init__()
            self.layers = nn.Sequential(*(nn.Linear(dim, dim) for _ in range(num_layers)))

        def forward(self, x):
            return self.layers(x)
    """
    entry = only(follow(tmp_path, net=text), "Net")
    assert [call.torch for call in entry.graph.calls] == ["torch.nn.Linear"] * 2
    assert any("num_layers is taken as 2" in text for text in entry.assumed)


def test_a_parameter_that_is_looked_up_in_what_is_written_out(tmp_path: Path) -> None:
    net = """
    SIZES = {"small": 16, "large": 32}

    class Encoder(nn.Module):
        WIDTHS = {"a": 4, "b": 8}

        def __init__(self, num_layers, size, kind, mode, table):
            super().__init__()
            blocks = {18: (2, 2), 34: (3, 4)}
            if num_layers not in blocks:
                raise ValueError(num_layers)
            assert mode in ("sum", "cat")
            self.convs = nn.Sequential(*[nn.Conv2d(3, 3, 3, padding=1) for _ in range(sum(blocks[num_layers]))])
            self.last = nn.Conv2d(3, SIZES[size] + self.WIDTHS[kind], 1)
            self.mode = mode
            self.other = table["width"]

        def forward(self, x):
            y = self.last(self.convs(x))
            return y + y if self.mode == "sum" else torch.cat([y, y], 1)
    """
    entry = only(follow(tmp_path, net=net), "Encoder")
    assert [op.kind for op in entry.graph.ops] == ["conv"] * 5 + ["add"]
    assert str(entry.graph.ops[-1].outputs[0].type) == "[B, 20, H, W] f32"
    taken = [text.partition(",")[0] for text in entry.assumed if "taken as" in text]
    assert taken == [
        "num_layers is taken as 18",
        "size is taken as 'small'",
        "kind is taken as 'a'",
        "mode is taken as 'sum'",
    ]
    assert "table is unknown: the constructor gives it no value" in entry.assumed


def test_a_parameter_of_which_items_are_taken_is_no_number(tmp_path: Path) -> None:
    net = """
    class Decoder(nn.Module):
        def __init__(self, channels, layers, out_channels):
            super().__init__()
            self.channels = channels
            self.first = nn.Conv2d(self.channels[-1], 8, 3)
            self.second = nn.Conv2d(8, out_channels, layers[0])

        def forward(self, x):
            return self.second(self.first(x))
    """
    entry = only(follow(tmp_path, net=net), "Decoder")
    assert [op.kind for op in entry.graph.ops] == ["conv", "conv"]
    assert {"channels is unknown: the constructor gives it no value", "layers is unknown: the constructor gives it no value",
            "out_channels is a symbol: the constructor gives it no value"} <= set(entry.assumed)  # fmt: skip


@pytest.mark.parametrize(
    ("use", "number"),
    [
        ("high, wide = channels\n", False),
        ("first = [c for c in channels]\n", False),
        ("for c in channels: pass\n", False),
        ("for i, c in enumerate(channels): pass\n", False),
        ("all_of = [3, *channels]\n", False),
        ("width = channels.width\n", False),
        ("made = channels(3)\n", False),
        ("assert isinstance(channels, tuple), 'a tuple'\n", False),
        ("channels = channels if isinstance(channels, tuple) else (channels,)\nfor c in channels: pass\n", True),
        ("if not isinstance(channels, int):\n    high, wide = channels\n", True),
        ("width = channels * 2\n", True),
    ],
)
def test_how_a_constructor_uses_a_parameter_tells_whether_it_is_a_number(
    tmp_path: Path, use: str, number: bool
) -> None:
    body = textwrap.indent(use, " " * 8)
    net = (
        "class Net(nn.Module):\n    def __init__(self, channels):\n        super().__init__()\n        self.end = nn.Linear(4, 4)\n"
        f"{body}\n    def forward(self, x):\n        return self.end(x)\n"
    )
    entry = only(follow(tmp_path, net=net), "Net")
    assert ("channels is a symbol: the constructor gives it no value" in entry.assumed) == number


def test_a_parameter_that_is_handed_on_as_no_number(tmp_path: Path) -> None:
    net = """
    class Patching(nn.Module):
        def __init__(self, features, patch_size):
            super().__init__()
            self.end = nn.Linear(features * patch_size[0] * patch_size[1], features)

        def forward(self, x):
            return self.end(x)


    class Net(nn.Module):
        def __init__(self, width, patch_size, layers):
            super().__init__()
            self.patch_in = Patching(width, patch_size)
            self.layers = nn.ModuleList(layers)

        def forward(self, x):
            return self.patch_in(x)
    """
    entry = only(follow(tmp_path, net=net), "Net")
    assert [call.torch for call in entry.graph.calls] == ["torch.nn.Linear"]
    assert [text for text in entry.assumed if text.startswith(("patch_size", "layers"))] == [
        "patch_size is unknown: the constructor gives it no value",
        "layers is unknown: the constructor gives it no value",
    ]


def test_a_configuration_that_holds_what_it_is_given_tells_nothing(tmp_path: Path) -> None:
    net = """
    class AttrDict(dict):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.__dict__ = self

    class Net(nn.Module):
        def __init__(self, h: AttrDict):
            super().__init__()
            self.end = nn.Linear(h.width, 4 if h["small"] else h.wide)

        def forward(self, x):
            return self.end(x)
    """
    entry = only(follow(tmp_path, net=net), "Net")
    assert "h is unknown: the constructor gives it no value" in entry.assumed


def test_a_parameter_is_no_number_where_what_it_is_kept_under_or_handed_on_to_is_none(tmp_path: Path) -> None:
    net = """
    def padded(size):
        return [s // 2 for s in size]


    class Base(nn.Module):
        def __init__(self, stride):
            super().__init__()
            self.pool = nn.MaxPool2d((stride[0], stride[1]))


    class Stem(Base):
        def __init__(self, kernel, stride, num_blocks, dims, width, planes, units):
            super().__init__(stride=stride)
            self.kernel = kernel
            self.conv = self._conv(3)
            self._check(2, num_blocks)
            self.padding = padded(planes)
            self.dims = dims
            self.width = width
            if not isinstance(width, int):
                self.width = width[0]
            self.units = units
            self.more = self.units * 2

        def _check(self, branches, blocks):
            assert branches <= len(blocks)

        def _conv(self, channels):
            return nn.Conv2d(channels, 8, (self.kernel[0], self.kernel[1]))

        def forward(self, x):
            return self.pool(self.conv(x)).permute(*self.dims)
    """
    done = follow(tmp_path, net=net)
    stem = only(done, "Stem")
    assert not done.run.errors
    for name in ("kernel", "stride", "num_blocks", "dims", "planes"):
        assert f"{name} is unknown: the constructor gives it no value" in stem.assumed
    for name in ("width", "units"):
        assert f"{name} is a symbol: the constructor gives it no value" in stem.assumed
    assert [call.torch.rpartition(".")[2] for call in stem.graph.calls] == ["Conv2d", "MaxPool2d", "permute"]


def test_what_a_constructor_reads_from_its_keywords_is_unknown(tmp_path: Path) -> None:
    net = """
    class Base(nn.Module):
        def __init__(self, width, **options):
            super().__init__()
            self.kernel = options["kernel"]
            self.scale = options.get("scale", 2)
            self.table = {"first": 4}


    class Pose(Base):
        def __init__(self, norm=nn.BatchNorm2d, **kwargs):
            super().__init__(**kwargs)
            self.joints = kwargs["JOINTS"]
            self.depth = kwargs["EXTRA"]["DEPTH"]
            self.conv = nn.Conv2d(3, 8, self.kernel)
            self.norm = norm(8)

        def forward(self, x):
            return self.norm(self.conv(x)) * self.scale


    class Wrong(Base):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.conv = nn.Conv2d(3, self.table["second"], 1)

        def forward(self, x):
            return self.conv(x)
    """
    done = follow(tmp_path, net=net)
    pose = only(done, "Pose")
    assert [op.kind for op in pose.graph.ops] == ["conv", "batch_norm", "mul"]
    told = [text for text in pose.assumed if "constructor" in text]
    assert told == [
        "width is a symbol: the constructor gives it no value",
        "kernel is unknown: the constructor gives it no value",
        "JOINTS is unknown: the constructor gives it no value",
        "EXTRA is unknown: the constructor gives it no value",
    ]
    assert [text for text, _ in done.run.errors] == ["KeyError: 'second'"]


def test_what_a_constructor_asserts_of_its_parameters_is_so(tmp_path: Path) -> None:
    net = """
    class Decoder(nn.Module):
        def __init__(self, kind, stacked=False, plain=True, width=2, depth=3, strict=None, ws=1):
            super().__init__()
            layers = {"tiny": 1, "small": 2, "large": 3}[kind]
            assert kind not in ("tiny", "large")
            assert stacked, "only stacked ones"
            assert not plain and width == 4
            assert ws != 1
            self.windows = nn.Linear(width, ws)
            self.layers = nn.ModuleList([nn.Conv2d(width, width, 1) for _ in range(layers)])
            self.stacked = stacked

        def forward(self, x):
            seen = []
            for layer in self.layers:
                x = layer(x)
                seen.append(x)
            return self.windows(torch.stack(seen).mean((3, 4))) if self.stacked else x


    class Never(nn.Module):
        def __init__(self, width=2):
            super().__init__()
            width = width + 1
            assert width == 4
            self.conv = nn.Conv2d(width, width, 1)

        def forward(self, x):
            return self.conv(x)
    """
    done = follow(tmp_path, net=net)
    decoder = only(done, "Decoder")
    assert [op.kind for op in decoder.graph.ops] == ["conv", "conv", "stack", "reduce_mean", "linear"]
    assert str(decoder.graph.ops[-1].outputs[0].type) == "[2, B, ws] f32"
    assert {
        "kind is taken as 'small', the first that the constructor knows: it is given no value",
        "stacked is taken as True: the constructor asserts that",
        "plain is taken as False: the constructor asserts that",
        "width is taken as 4: the constructor asserts that",
        "ws is a symbol: the constructor refuses its default",
    } <= {*decoder.assumed}
    assert not any(text.startswith(("depth", "strict")) for text in decoder.assumed)
    assert [text.partition(":")[0] for text, _ in done.run.errors] == ["AssertionError"]


def test_one_layer_is_no_number_of_them(tmp_path: Path) -> None:
    net = """
    class Fuser(nn.Module):
        def __init__(self, layer, num_layers):
            super().__init__()
            self.layers = nn.ModuleList([layer for _ in range(num_layers)])
            self.end = nn.ReLU()

        def forward(self, x):
            return self.end(x)
    """
    entry = only(follow(tmp_path, net=net), "Fuser")
    assert "layer is unknown: the constructor gives it no value" in entry.assumed
    assert any(text.startswith("num_layers is taken as 2") for text in entry.assumed)


def test_what_a_constructor_fails_without_is_assumed(tmp_path: Path) -> None:
    done = follow(
        tmp_path,
        net="""
        class Head(nn.Module):
            def __init__(self, classes=4, ch=(), widths=None, norm=None, kind=None):
                super().__init__()
                assert widths is not None
                self.first = nn.Conv2d(ch[0], widths[0], 1)
                if kind is None:
                    raise ValueError("which kind?")
                self.norm = nn.Identity() if norm is None else norm
                self.score = nn.Conv2d(widths[0], classes, 1)

            def forward(self, x):
                return self.score(self.norm(self.first(x)))


        class Wrong(nn.Module):
            def __init__(self, size=None):
                super().__init__()
                self.conv = nn.Conv2d(3, 8, 3)
                raise RuntimeError("not for you")

            def forward(self, x):
                return self.conv(x)
        """,
    )
    head = only(done, "Head")
    for name in ("ch", "widths", "kind"):
        assert f"{name} is unknown: the constructor fails without it" in head.assumed
    assert not any(text.startswith(("norm", "classes")) for text in head.assumed)
    assert [call.torch for call in head.graph.calls] == ["torch.nn.Conv2d", "torch.nn.Identity", "torch.nn.Conv2d"]
    assert head.graph.calls[-1].result.type.shape[1] == 4
    assert [text for text, _ in done.run.errors] == ["RuntimeError: not for you"]


def test_what_a_constructor_keeps_and_then_fails_without_is_assumed(tmp_path: Path) -> None:
    done = follow(
        tmp_path,
        net="""
        class Net(nn.Module):
            def __init__(self, params=None, other=None, third=None):
                super().__init__()
                self._params, self.other = params, other
                self._given = params
                self.__dict__.update(locals())
                assert self.third is not None
                self.norm = nn.BatchNorm2d(8, momentum=1 - self._given.momentum)

            def forward(self, x):
                return self.norm(x)
        """,
    )
    net = only(done, "Net")
    assert not done.run.errors
    assert "params is unknown: the constructor fails without it" in net.assumed
    assert "third is unknown: the constructor fails without it" in net.assumed
    assert not any("other" in text for text in net.assumed)


def test_what_a_parameter_may_be_is_told_where_it_is_handed_on_to(tmp_path: Path) -> None:
    net = """
    class Base(nn.Module):
        WIDTHS = {18: 8, 34: 16}

        def __init__(self, depth):
            super().__init__()
            if depth not in self.WIDTHS:
                raise KeyError(f"invalid depth {depth}")
            self.conv = nn.Conv2d(3, self.WIDTHS[depth], 1)

        def forward(self, x):
            return self.conv(x)


    class Net(Base):
        def __init__(self, depth, groups):
            super().__init__(depth)
            self.groups = groups
    """
    done = follow(tmp_path, net=net)
    assert not done.run.errors
    entry = only(done, "Net")
    assert "depth is taken as 18, the first that the constructor knows: it is given no value" in entry.assumed
    assert str(entry.graph.ops[-1].outputs[0].type) == "[B, 8, H, W] f32"


def test_numbers_of_things_and_sizes_by_their_names_are_symbols(tmp_path: Path) -> None:
    net = """
    class Head(nn.Module):
        def __init__(self, in_chans, c3, num_classes, num_queries, num_inchannels, classes):
            super().__init__()
            self.proj = nn.Conv2d(in_chans, c3, 1)
            self.query = nn.Embedding(num_queries, c3)
            self.score = nn.Linear(c3, num_classes)
            self.first = num_inchannels[0]
            self.names = [name for name in classes]

        def forward(self, x):
            return self.score(self.proj(x).mean((2, 3)) + self.query.weight[0])
    """
    head = only(follow(tmp_path, net=net), "Head")
    assert str(head.graph.outputs[0].type) == "[B, num_classes] f32"
    told = [text.partition(":")[0] for text in head.assumed if "constructor" in text]
    assert told == [
        "in_chans is a symbol", "c3 is a symbol", "num_classes is a symbol", "num_queries is a symbol", "num_inchannels is unknown",
        "classes is unknown",
    ]  # fmt: skip


def test_the_number_of_spatial_dimensions_is_that_of_pictures(tmp_path: Path) -> None:
    """As MONAI's networks are asked for it, and look their layers up by it."""
    text = """
    CONV = [nn.Identity, nn.Conv1d, nn.Conv2d, nn.Conv3d]

    class Net(nn.Module):
        def __init__(self, spatial_dims: int):
            super().__init__()
            self.conv = CONV[spatial_dims](3, 8, 3)

        def forward(self, x):
            return self.conv(x)
    """
    entry = only(follow(tmp_path, net=text), "Net")
    assert [call.torch for call in entry.graph.calls] == ["torch.nn.Conv2d"]
    assert "spatial_dims is taken as 2, as for pictures: the constructor gives it no value" in entry.assumed
