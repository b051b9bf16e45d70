"""What is done at once gives what following the stub gives."""

import ast
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from programs import finished

from ane_lsp.interp import fast
from ane_lsp.interp.run import run_script
from ane_lsp.workspace import Workspace

# Does what timm's function of this name does.
WALK = """\
def named_apply(fn, module, name="", depth_first=True, include_root=False):
    if include_root and not depth_first:
        fn(module=module, name=name)
    for below, child in module.named_children():
        path = name + "." + below if name else below
        named_apply(fn, child, path, depth_first, include_root=True)
    if include_root and depth_first:
        fn(module=module, name=name)
    return module
"""
PROGRAM = """\
import functools
import torch
from timm.models._manipulate import named_apply
from torch import nn

class Loud(nn.Module):
    def train(self, mode=True):
        seen.append(("train", mode))
        return super().train(mode)
    def __setattr__(self, name, value):
        seen.append(("set", name))
        super().__setattr__(name, value)

class Odd(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(3, 3)
    def children(self):
        return iter(())

class Twice(nn.Linear):
    def __init__(self, size):
        super().__init__(size, size)
        self.extra = nn.Dropout(0.5)

seen = []
shared = nn.ReLU()
model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4, bias=True), shared, shared, Loud(), Odd(), Twice(3))
model.missing = None
model.register_module("none", None)
def note(m):
    seen.append(type(m).__name__)
    if isinstance(m, nn.Linear):
        m.mark = len(seen)
model.apply(note)
names = [n for n, _ in model.named_children()]
kinds = [type(m).__name__ for m in model.children()]
model.eval()
modes = [(n, m.training) for n, m in model.named_modules()]
marks = [getattr(m, "mark", None) for m in model.modules()]
first, second = model[0], model[1]
different = (first.weight is not second.weight, first is not second)
first.weight.data = torch.zeros(5, 4)
shapes = [tuple(first.weight.shape), tuple(second.weight.shape)]
one, true = nn.Linear(1, 1, 1), nn.Linear(True, 1, True)
flags = [one.in_features, true.in_features, nn.Dropout(0).p, nn.Dropout(0.0).p, nn.Dropout(False).p]
nn.Linear.reset_parameters = lambda self: setattr(self, "patched", True)
patched = [hasattr(m, "patched") for m in (first, nn.Linear(4, 4), nn.Linear(4, 4))]
for name, child in model.named_children():
    setattr(model, name, nn.Identity())
after = [type(m).__name__ for m in model.children()]
grown = nn.ModuleList([nn.ReLU()])
for child in grown.children():
    if len(grown) < 4:
        grown.append(nn.Tanh())
size = len(grown)
class Filled(nn.Module):
    def named_children(self):
        return [("other", nn.Tanh())]
class Growing(nn.Sequential):
    pass
walked = []
def fill(module, name, head=None):
    walked.append((type(module).__name__, name, head))
    if isinstance(module, Growing) and len(module) < 3:
        module.append(nn.ReLU())
deep = nn.Sequential(shared, nn.Sequential(nn.Linear(2, 2), Filled(), nn.Sequential()), Growing(shared, nn.Tanh()), shared)
deep.register_module("none", None)
named_apply(functools.partial(fill, head=1), deep)
named_apply(fill, deep, "top", False, include_root=True)
named_apply(fn=fill, module=deep, depth_first=True, include_root=True)
same = named_apply(fill, deep) is deep
class Kept(list):
    def __call__(self, module, name):
        self.append(name)
kept = Kept()
named_apply(kept, deep)
for wrong in (dict(wrong=1), dict(name=5)):
    try:
        named_apply(fill, deep, **wrong)
    except TypeError:
        walked.append("refused")
try:
    named_apply(fill, deep, "", True, True, 1)
except TypeError:
    walked.append("refused")
odd = nn.Sequential(nn.Tanh())
odd.named_children = lambda: [("mine", nn.ReLU())]
named_apply(fill, odd)
import nowhere
named_apply(fill, nn.Sequential(nn.Tanh()), depth_first=nowhere.flag, include_root=True)
"""
NAMES = (
    "seen",
    "names",
    "kinds",
    "modes",
    "marks",
    "different",
    "shapes",
    "flags",
    "patched",
    "after",
    "size",
    "walked",
    "same",
    "kept",
)


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The function above counts as timm's."""
    monkeypatch.setitem(fast.SOURCES, "timm.models._manipulate:named_apply", fast.digest(ast.parse(WALK).body[0]))


def values(path: Path) -> dict[str, object]:
    folder = path.parent / "timm" / "models"
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in (
        (folder.parent / "__init__.py", ""),
        (folder / "__init__.py", ""),
        (folder / "_manipulate.py", WALK),
    ):
        file.write_text(text)
    _, space = finished(path)
    return {name: space[name] for name in NAMES}


def test_same_as_following_the_stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    quick = values(path)
    monkeypatch.setattr(fast, "FAST", {})
    monkeypatch.setattr("ane_lsp.interp.calls.Given", lambda *_: SimpleNamespace(key=None))
    slow = values(path)
    assert [(k, repr(v)) for k, v in quick.items()] == [(k, repr(v)) for k, v in slow.items()]
    assert quick["different"] == (True, True)
    assert quick["patched"] == [False, True, True]


def test_a_library_that_does_something_else_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    walked = values(path)["walked"]
    monkeypatch.setattr(
        "test_fast.WALK", WALK.replace("module.named_children()", "reversed(list(module.named_children()))")
    )
    assert values(path)["walked"] != walked


def test_a_function_of_a_watched_file_counts_as_run(tmp_path: Path) -> None:
    path = tmp_path / "timm" / "models" / "_manipulate.py"
    path.parent.mkdir(parents=True)
    for folder in (path.parent, path.parent.parent):
        (folder / "__init__.py").write_text("")
    path.write_text(
        f"from torch import nn\n{WALK}\ntold = []\nnamed_apply(lambda module, name: told.append(name), nn.ReLU())\n"
    )
    run = run_script(Workspace(tmp_path), path)
    assert [node.name for node in run.interp.ran.functions if getattr(node, "name", "") == "named_apply"]


def test_every_quick_way_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: set[str] = set()

    def watching(name: str, way: fast.Fast) -> fast.Fast:
        def call(*args: object) -> object:
            done = way(*args)  # type: ignore[arg-type]
            if done is not fast.MISSING:
                taken.add(name)
            return done

        return call

    monkeypatch.setattr(fast, "FAST", {name: watching(name, way) for name, way in fast.FAST.items()})
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    values(path)
    assert taken == fast.FAST.keys()


MODULES = """\
import torch
from torch import nn

class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 2)
    def named_modules(self, memo=None, prefix="", remove_duplicate=True):
        yield prefix + "!", self

class Alike(nn.Module):
    def __init__(self, tag):
        super().__init__()
        self.tag = tag
    def __eq__(self, other):
        return isinstance(other, Alike) and other.tag == self.tag
    def __hash__(self):
        return 7

out = []
def walk(model, *args, **kwargs):
    out.append([(name, type(module).__name__) for name, module in model.named_modules(*args, **kwargs)])

shared = nn.ReLU()
model = nn.Sequential(shared, nn.Sequential(nn.Linear(2, 2), shared, nn.BatchNorm1d(2)), nn.ModuleList([nn.Tanh(), shared]))
model.register_module("none", None)
model[1].cycle = nn.Identity()
walk(model)
walk(model, None, "top")
walk(model, prefix="top", remove_duplicate=False)
walk(model, memo={model[1]})
walk(model, {model})
walk(nn.Sequential(Own(), nn.Sequential(Own())))
walk(nn.Sequential(Alike(1), Alike(2), Alike(1)))
out.append([name for name, _ in model.named_parameters()])
out.append([name for name, _ in model.named_buffers()])
out.append(sorted(model.state_dict()))
out.append([type(module).__name__ for module in model.modules()])
for name, module in model.named_modules():  # those that come later are others by then
    out.append(name)
    if isinstance(module, nn.Linear):
        model[1][1] = nn.Sequential(nn.GELU(), Own())
    if isinstance(module, nn.BatchNorm1d):
        model[2] = nn.Softmax(-1)
walk(model)
waiting = model.named_modules()
first = next(waiting)[1] is model
model[0] = nn.Sigmoid()
out.append([first, *(type(module).__name__ for _, module in waiting)])
odd = nn.Sequential(nn.Tanh())
odd.named_modules = lambda *given: [("mine", shared)]
walk(odd)
walk(nn.Sequential(odd))
"""


def test_modules_are_gone_through_as_torch_does(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(MODULES)
    _, space = finished(path)
    real: dict[str, Any] = {}
    exec(compile(MODULES, "program.py", "exec"), real)
    assert space["out"] == real["out"]


WEIGHTS = """\
import torch
from torch import nn

class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 2)
    def state_dict(self, *args, destination=None, prefix="", keep_vars=False):
        destination = {} if destination is None else destination
        destination[prefix + "own"] = self.inner.weight
        return destination

class Extra(nn.Module):
    def get_extra_state(self):
        return {"a": 1}

shared = nn.Linear(3, 3)
norm = nn.BatchNorm1d(4)
norm.register_buffer("passing", torch.zeros(2), persistent=False)
norm.register_parameter("none", None)
model = nn.Sequential(shared, nn.Sequential(norm, shared))
model.register_module("none", None)
out = []
def show(model, **given):
    held = model.state_dict(**given)
    out.append([(name, tuple(weight.shape), weight.dtype, weight.requires_grad, type(weight)) for name, weight in held.items()])
    return held
first = show(model)
show(model, prefix="a.")
show(model, keep_vars=True)
first["0.weight"].resize_(9)
first["new"] = torch.zeros(1)
show(model)
shared.bias.data = torch.zeros(5)
show(model)
norm.weight = nn.Parameter(torch.zeros(7))
norm.half()
show(model)
show(nn.Sequential(Own(), nn.PReLU()))
out.append(list(nn.Sequential(Extra(), nn.PReLU()).state_dict()))
def fill(model, found):
    for name in model.state_dict():
        if found[name].shape != model.state_dict()[name].shape:
            raise ValueError(name)
        model.state_dict()[name].copy_(found[name])
for _ in range(2):
    fill(nn.Sequential(*[nn.Linear(2, 2) for _ in range(40)]), {f"{i}.{name}": torch.zeros(size) for i in range(40) for name, size in (("weight", (2, 2)), ("bias", 2))})
"""


def test_weights_are_listed_as_torch_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    names: dict[str, Any] = {}
    exec(compile(WEIGHTS, "<weights>", "exec"), names)
    path = tmp_path / "weights.py"
    path.write_text(WEIGHTS)

    def followed() -> tuple[list[Any], int]:
        run, space = finished(path)
        assert not run.internal
        return space["out"], run.interp.steps

    def told(out: list[Any]) -> list[Any]:
        return [[(*one[:2], one[3]) if isinstance(one, tuple) else one for one in shown] for shown in out]

    quick, steps = followed()
    monkeypatch.setattr(fast, "weights", SimpleNamespace(WAYS={}))
    slow, more = followed()
    assert repr(quick) == repr(slow)
    assert told(quick) == told(names["out"])
    assert more > 20 * steps
