"""Classes made of what is not there or comes late: bases that are not installed, names of lazy modules, weights made when they are read."""

from __future__ import annotations

from pathlib import Path

from assumed import follow, only


def test_a_module_whose_base_is_not_installed(tmp_path: Path) -> None:
    text = """
    from not_installed import ModelMixin

    class Net(ModelMixin):
        def __init__(self):
            super().__init__(1, key=2)
            self.conv = nn.Conv2d(3, 8, 1)
            self.register_buffer("scale", torch.ones(8, 1, 1))

        def forward(self, x):
            return self.conv(x) * self.scale + self.inherited
    """
    entry = only(follow(tmp_path, net=text), "Net")
    by_op = {c.torch: c for c in entry.graph.calls}
    assert str(by_op["torch.Tensor.mul"].result.type).startswith("[B, 8, H, W]")
    assert by_op["torch.Tensor.add"].result.type.shape is None


def test_an_unknown_mixin_does_not_hide_how_modules_are_made(tmp_path: Path) -> None:
    text = """
    from not_installed import Mixin

    class Shared(Mixin):
        pass

    class Net(nn.Module, Shared):
        def __new__(cls, *args):
            return super().__new__(cls, *args)

        def forward(self, x):
            return x.relu()

    Net()(torch.zeros(2, 3))
    """
    entry = only(follow(tmp_path, net=text), "Net")
    assert str(entry.graph.calls[0].result.type) == "[2, 3] f32"


def test_a_name_defined_again_with_itself(tmp_path: Path) -> None:
    library = """
    from base import Norm

    class Norm(Norm):
        pass
    """
    base = """
    class Norm(nn.Module):
        def forward(self, x):
            return x.relu()
    """
    net = """
    from library import Norm

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = Norm()

        def forward(self, x):
            return self.norm(x).sigmoid()
    """
    entry = only(follow(tmp_path, net=net, library=library, base=base), "Net")
    assert [c.torch for c in entry.graph.calls] == ["torch.Tensor.relu", "torch.Tensor.sigmoid"]


def test_names_that_only_a_lazy_module_imports(tmp_path: Path) -> None:
    package = """
    from typing import TYPE_CHECKING
    import sys

    SLOW = False
    if TYPE_CHECKING or SLOW:
        from .parts import Part
    else:
        made = [name for name in dir()]
        kept = 3
        sys.modules[__name__] = Lazy(__name__, made)

    def width():
        return kept
    """
    part = """
    class Part(nn.Module):
        def forward(self, x):
            return x.relu()
    """
    net = """
    from lazy import Part, width

    class Net(Part):
        def forward(self, x):
            return super().forward(x) * width()
    """
    done = follow(tmp_path, __init___in_lazy=package, parts_in_lazy=part, net=net)
    entry = only(done, "Net")
    assert [c.torch for c in entry.graph.calls] == ["torch.Tensor.relu", "torch.Tensor.mul"]
    names = done.run.interp.modules["lazy"].namespace
    assert names["kept"] == 3
    assert "made" not in names  # which only the object is made of


def test_a_parametrized_weight_is_computed_when_it_is_read(tmp_path: Path) -> None:
    text = """
    from torch.nn.utils.parametrizations import weight_norm
    from torch.nn.utils.parametrize import remove_parametrizations

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = weight_norm(nn.Conv1d(4, 8, 3), dim=2)
            self.plain = remove_parametrizations(weight_norm(nn.Conv1d(8, 8, 1)), "weight")
            self.norm = self.conv.weight.shape

        def forward(self, x):
            return self.plain(self.conv(x))
    """
    done = follow(tmp_path, net=text)
    entry = only(done, "Net")
    assert len(done.entries) == 1  # reading a weight outside of a forward is no model call
    assert {c.torch: str(c.result.type) for c in entry.graph.calls} == {
        "torch.nn.ParametrizedConv1d": "[B, 8, L - 2] f32",
        "torch.nn._WeightNorm": "[8, 4, 3] f32",
        "torch.nn.Conv1d": "[B, 8, L - 2] f32",
    }


def test_a_base_that_is_not_installed_hides_no_forward(tmp_path: Path) -> None:
    text = """
    from a_package_that_is_not_there import CompositeOp

    class Norm(CompositeOp):
        def __init__(self, size):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(size))

        def forward(self, x):
            return x * self.weight

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(8, 8)
            self.norm = Norm(8)

        def forward(self, x):
            return self.norm(self.fc(x)).relu()
    """
    calls = only(follow(tmp_path, net=text), "Net").graph.calls
    assert [call.torch for call in calls] == ["torch.nn.Linear", "torch.Tensor.mul", "torch.Tensor.relu"]
    assert str(calls[-1].result.type) == "[B, L, 8] f32"


def test_a_module_asked_for_its_getattr(tmp_path: Path) -> None:
    net = """
    class Up(nn.Module):
        def __init__(self, stages: int = 2):
            super().__init__()
            self.stages = stages
            for i in range(stages):
                setattr(self, f"convolution_{i}", nn.Conv2d(3, 3, 3))

        def forward(self, x):
            for i in range(self.stages):
                x = self.__getattr__(f"convolution_{i}")(x)
            try:
                self.__getattr__("stages")
            except AttributeError:
                return x
            return x.relu()
    """
    entry = only(follow(tmp_path, net=net), "Up")
    assert [op.kind for op in entry.graph.ops] == ["conv", "conv"]
