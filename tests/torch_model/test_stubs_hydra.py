"""What hydra makes of configurations: files put together, objects that they name. The values are those that hydra-core 1.3.8 gives (its
own requirements keep it from being installed beside the tests' omegaconf)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ane_lsp import analyze_file
from tests.torch_model import stub_harness

FILES = {
    "conf/config.yaml": "defaults:\n  - model: small\n  - data@d: images\n  - _self_\nclasses: 10\nname: ${model.dim}x${classes}\n",
    "conf/model/small.yaml": (
        "_target_: parts.Net\ndim: 32\nhidden: ${model.dim}\nclasses: ${classes}\nhead:\n  _target_: torch.nn.Linear\n"
        "  in_features: ${model.hidden}\n  out_features: ${classes}\nact:\n  _target_: torch.nn.GELU\n  _partial_: true\n"
    ),
    "conf/model/large.yaml": "dim: 64\n",
    "conf/data/images.yaml": "size: 4\n",
    "conf/model/head/big.yaml": "width: 100\n",
    "conf/other.yaml": (
        "defaults:\n  - config\n  - model/head: big\n  - optional data: none_there\n  - override hydra/job_logging: disabled\n  - _self_\nextra: 3\n"
        "classes: 20\n"
    ),
    "conf/third.yaml": "defaults:\n  - exp: one\n  - _self_\na: 1\n",
    "conf/exp/one.yaml": "# @package _global_\ndefaults:\n  - /model: large\n  - two\nb: 5\na: 7\n",
    "conf/exp/two.yaml": "c: 8\n",
    "parts.py": (
        "from torch import nn\n\n\nclass Net(nn.Module):\n    def __init__(self, dim, hidden, classes, head, act):\n        super().__init__()\n"
        "        self.up = nn.Linear(dim, hidden)\n        self.act = act()\n        self.head = head\n\n    def forward(self, x):\n"
        "        return self.head(self.act(self.up(x)))\n"
    ),
}
TRAIN = """\
import hydra
import torch
from omegaconf import DictConfig


@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg: DictConfig):
    model = hydra.utils.instantiate(cfg.model)
    model(torch.randn(cfg.d.size, cfg.model.dim))


if __name__ == "__main__":
    main()
"""
COMPOSED: list[tuple[str, list[str], str, Any]] = [
    (
        "config",
        [],
        "c.name, c.d.size, c.model.head.out_features, list(c)",
        ["32x10", 4, 10, ["model", "d", "classes", "name"]],
    ),
    ("config", ["model.dim=5", "classes=3"], "c.name, c.model.hidden", ["5x3", 5]),
    ("config", ["model=large", "+more=[1,2]"], "c.name, list(c.model), list(c.more)", ["64x10", ["dim"], [1, 2]]),
    ("other", [], "c.model.head.width, c.classes, c.extra, c.d.size", [100, 20, 3, 4]),
    ("third", [], "c.model.dim, c.a, c.b, c.c, list(c)", [64, 1, 5, 8, ["model", "c", "b", "a"]]),
]
OBJECTS: list[tuple[str, Any]] = [
    ("list(instantiate({'_target_': 'torch.nn.Linear', 'in_features': 3, 'out_features': 5}).weight.shape)", [5, 3]),
    ("list(instantiate({'_target_': 'torch.nn.Linear'}, 3, out_features=4).weight.shape)", [4, 3]),
    ("list(instantiate(OmegaConf.create({'_target_': 'torch.nn.Linear', '_args_': [2, 6]})).weight.shape)", [6, 2]),
    ("list(instantiate({'_target_': 'torch.nn.Linear', '_partial_': True, 'out_features': 7})(3).weight.shape)", [7, 3]),
    ("[type(m).__name__ for m in instantiate({'_target_': 'torch.nn.Sequential', '_args_': [{'_target_': 'torch.nn.ReLU'}]})]", ["ReLU"]),
    ("[type(m).__name__ for m in instantiate([{'_target_': 'torch.nn.ReLU'}, {'_target_': 'torch.nn.GELU'}])]", ["ReLU", "GELU"]),
    ("instantiate(OmegaConf.create({'a': {'_target_': 'builtins.max', '_args_': [1, 3]}, 'b': 2})).a", 3),
    ("instantiate({'_target_': 'builtins.dict', 'a': {'_target_': 'builtins.max'}, '_recursive_': False})['a']['_target_']", "builtins.max"),
    ("get_class('torch.nn.Linear').__name__", "Linear"),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(("name", "overrides", "asked", "wanted"), COMPOSED)
def test_files_put_together(folder: Path, name: str, overrides: list[str], asked: str, wanted: Any) -> None:
    source = (
        "from hydra import compose, initialize\nwith initialize(version_base=None, config_path='conf'):\n"
        f"    c = compose(config_name='{name}', overrides={overrides})\nout = [{asked}]"
    )
    outcome = stub_harness.Interpreted(folder).outcome(source)
    assert (outcome.error, outcome.output) == (None, wanted), outcome.message


@pytest.mark.parametrize(("asked", "wanted"), OBJECTS)
def test_objects_that_a_configuration_names(folder: Path, asked: str, wanted: Any) -> None:
    source = f"from hydra.utils import get_class, instantiate\nfrom omegaconf import OmegaConf\nout = {asked}"
    outcome = stub_harness.Interpreted(folder).outcome(source)
    assert (outcome.error, outcome.output) == (None, wanted), outcome.message


def test_a_program_that_hydra_starts(folder: Path) -> None:
    (folder / "train.py").write_text(TRAIN)
    found = analyze_file(folder / "train.py")
    assert [(model.name, model.unknown_shapes) for model in found.models] == [("Net", 0)]


def test_a_file_that_is_not_there_is_not_known(folder: Path) -> None:
    (folder / "conf/model/small.yaml").unlink()
    (folder / "train.py").write_text(TRAIN)
    found = analyze_file(folder / "train.py")
    assert not found.models
