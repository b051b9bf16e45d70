"""What torch's classes have besides what is modelled. ``python tests/torch_model/test_class_names.py`` writes it anew."""

import ast
import importlib
import inspect
import json
import tempfile
from pathlib import Path

import pytest

from ane_lsp.interp.run import Limits, run_script
from ane_lsp.interp.values import MISSING, ClassObject
from ane_lsp.torch_model import class_names
from ane_lsp.workspace import Workspace

torch = pytest.importorskip("torch", reason="torch is not installed: names of its classes are not compared with it")

STUBS = Path(class_names.__file__).parent / "stubs"
FILE = Path(class_names.__file__).with_name("class_names.json")


def stored(classes: list[ClassObject]) -> set[str]:
    """Names that the classes' own code gives to themselves and their objects."""
    found: set[str] = set()
    for cls in classes:
        for node in ast.walk(cls.node) if cls.node is not None else ():
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                found.add(node.attr)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found.add(node.target.id)
    return found


def beyond_the_stubs(folder: Path) -> dict[str, list[str]]:
    """By class, what torch's has and ours and its bases have not."""
    modules = sorted(
        ".".join(path.relative_to(STUBS).with_suffix("").parts).removesuffix(".__init__")
        for path in (STUBS / "torch").rglob("*.py")
        if path.name != "_C.py"
    )
    real = {}
    for name in modules:
        try:
            real[name] = importlib.import_module(name)
        except ImportError:
            continue
    script = folder / "all.py"
    script.write_text("".join(f"import {name}\n" for name in real))
    limits = Limits(seconds=600.0, megabytes=4000)  # it is used beyond the run
    interp = run_script(Workspace(folder), script, limits=limits).interp
    found: dict[str, set[str]] = {}
    above: dict[str, list[str]] = {}
    for name, theirs in real.items():
        module = interp.modules[name]
        interp.run_module(module)
        for key in list(module.namespace):
            ours = interp.module_attribute(module, key)
            other = inspect.getattr_static(theirs, key, None)
            if not isinstance(ours, ClassObject) or ours.module is not module or not isinstance(other, type):
                continue
            if issubclass(other, torch.Tensor):
                continue
            bases = [base for base in ours.mro if isinstance(base, ClassObject)]
            above[f"{name}.{ours.name}"] = [f"{base.module.name}.{base.name}" for base in bases[1:]]
            missing = {n for n in dir(other) if not n.startswith("__") and ours.lookup(n) is MISSING}
            found[f"{name}.{ours.name}"] = missing - stored(bases)
    own = {
        name: sorted(names.difference(*(found.get(base, ()) for base in above[name]))) for name, names in found.items()
    }
    return {name: names for name, names in sorted(own.items()) if names}


def test_every_attribute_of_a_class_is_modelled_or_known_to_be_missing(tmp_path: Path) -> None:
    assert json.loads(FILE.read_text(encoding="utf-8")) == beyond_the_stubs(tmp_path)


def test_a_writer_for_tensorboard_has_the_methods_of_torch_s() -> None:
    """Read from the source: it cannot be imported without tensorboard."""

    def methods(path: Path) -> set[str]:
        (cls,) = [
            n for n in ast.parse(path.read_text(encoding="utf-8")).body if getattr(n, "name", "") == "SummaryWriter"
        ]
        assert isinstance(cls, ast.ClassDef)
        named = {t.id for n in cls.body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)}
        return named | {n.name for n in cls.body if isinstance(n, ast.FunctionDef)}

    source = Path(torch.__file__).parent / "utils" / "tensorboard" / "writer.py"
    ours = methods(STUBS / "torch" / "utils" / "tensorboard.py")
    assert {name for name in methods(source) if name.startswith("__") or not name.startswith("_")} <= ours


def test_what_is_not_modelled_is_unknown_and_what_is_not_there_is_missing(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import torch\nfrom torch import nn\nweight = nn.Parameter(torch.zeros(1))\n"
        "optimizer = torch.optim.SGD([weight], lr=0.1)\n"
        "class Mine(torch.optim.lr_scheduler.StepLR):\n    pass\n"
        "rate = Mine(optimizer, 1).get_last_lr()\n"
        "inverse = torch.distributions.Normal(0.0, 1.0).icdf(torch.rand(3))\n"
        "has = [hasattr(optimizer, 'nothing'), hasattr(nn.ReLU(), 'weight'), hasattr(nn.Linear(2, 2), 'icdf')]\n"
        "nn.ReLU()(torch.zeros(2))\n"
    )
    run = run_script(Workspace(tmp_path), script)
    space = run.interp.modules["script"].namespace
    assert run.errors == []
    assert space["has"] == [False, False, False]
    assert "torch.optim.lr_scheduler.LRScheduler is not modelled" in str(space["rate"])
    assert len(run.graphs) == 1


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        FILE.write_text(json.dumps(beyond_the_stubs(Path(folder)), indent=1) + "\n")
