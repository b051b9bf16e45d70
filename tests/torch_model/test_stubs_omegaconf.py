"""Configurations of omegaconf: the stub does what the library does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.torch_model import stub_harness

CONFIGS = """
from dataclasses import dataclass, field
from typing import List, Optional
from omegaconf import DictConfig, II, ListConfig, MISSING, OmegaConf, open_dict

@dataclass
class Block:
    width: int = 8
    kernels: List[int] = field(default_factory=lambda: [3, 5])

@dataclass
class Config:
    dim: int = 16
    block: Block = field(default_factory=Block)
    classes: int = MISSING
    hidden: int = II("dim")
    name: Optional[str] = None

OmegaConf.register_new_resolver("mul", lambda a, b: a * b, replace=True)
OmegaConf.register_new_resolver("join", lambda *parts: "-".join(map(str, parts)), replace=True)
def made():
    return OmegaConf.create({
    "dim": 64, "rate": "1e-3", "sizes": [1, 2, "${dim}"], "model": {
        "hidden": "${mul:${dim},4}", "name": "net_${dim}_${.act}", "act": "relu", "up": "${..dim}", "depth": None, "list": "${sizes}",
        "third": "${sizes[2]}", "label": "${join:a, b, ${dim}, [1]}", 3: "three", "inner": {"dim": "${..act}", "far": "${...dim}"},
    },
    "required": "???",
})
"""
CASES = {
    "attributes and items": "out = [c.dim, c['dim'], c.model.act, c['model']['act'], c.model[3]]",
    "interpolations": "out = [c.model.hidden, c.model.name, c.model.up, c.model.third, c.model.label, list(c.model.list), c.model.inner.dim, c.model.inner.far]",
    "lists": "out = [list(c.sizes), c.sizes[2], len(c.sizes), c.sizes[-1], list(c.sizes[:2]), 64 in c.sizes, c.sizes.index(2)]",
    "get": "out = [c.get('dim'), c.get('none'), c.get('none', 3), c.get('required', 4), c.model.get('depth', 5)]",
    "contains": "out = ['dim' in c, 'none' in c, 'required' in c, 'depth' in c.model]",
    "missing attribute": "out = c.none",
    "missing item": "out = c['none']",
    "mandatory": "out = c.required",
    "default of getattr": "out = [getattr(c, 'none', 7), hasattr(c, 'dim'), hasattr(c, 'none')]",
    "set": "c.more = {'a': [1]}\nc['other'] = 5\nc.model.act = 'gelu'\nout = [c.more.a[0], type(c.more).__name__, c.other, c.model.name]",
    "set what others refer to": "c.dim = 2\nout = [c.model.hidden, c.sizes[2]]",
    "iterated": "out = [list(c), list(c.model.keys()), len(c), [type(v).__name__ for v in c.model.values()]]",
    "items": "out = [[k, v] for k, v in c.model.inner.items()]",
    "as arguments": "def f(dim, far):\n    return [dim, far]\nout = f(**c.model.inner)",
    "to dict": "out = dict(c.model.inner)",
    "to container": "out = [OmegaConf.to_container(c.model.inner), OmegaConf.to_container(c.sizes, resolve=True), OmegaConf.to_container(c.model.inner, resolve=True)]",
    "is no dict": "out = [isinstance(c, dict), isinstance(c, DictConfig), isinstance(c.sizes, list), isinstance(c.sizes, ListConfig), OmegaConf.is_config(c), OmegaConf.is_list(c), OmegaConf.is_dict(c)]",
    "merged": "out = OmegaConf.to_container(OmegaConf.merge({'a': 1, 'b': {'c': 2, 'd': [1, 2]}}, OmegaConf.create({'b': {'d': [3], 'e': 4}, 'f': None})))",
    "merged leaves what it merges": "a = OmegaConf.create({'a': {'b': 1}})\nOmegaConf.merge(a, {'a': {'b': 2}})\nout = a.a.b",
    "merged with interpolations": "out = OmegaConf.merge({'a': 1, 'b': '${a}'}, {'a': 5}).b",
    "from text": "t = OmegaConf.create('a: 1e-3\\nb: [1, x]\\nc: {d: true}')\nout = [t.a, list(t.b), t.c.d]",
    "from dots": "t = OmegaConf.from_dotlist(['a.b=3', 'c=1e-2', 'd=[1,2]'])\nout = [t.a.b, t.c, list(t.d)]",
    "selected": "out = [OmegaConf.select(c, 'model.act'), OmegaConf.select(c, 'model.none', default=3), OmegaConf.select(c, 'sizes[0]')]",
    "updated": "OmegaConf.update(c, 'model.inner.dim', 9)\nOmegaConf.update(c, 'model.new.x', 1)\nout = [c.model.inner.dim, c.model.new.x]",
    "structured": "s = OmegaConf.structured(Config)\nout = [s.dim, s.block.width, list(s.block.kernels), s.hidden, s.name, 'classes' in s]",
    "structured object": "s = OmegaConf.structured(Config(dim=3, classes=2, block=Block(width=1)))\nout = [s.hidden, s.classes, s.block.width]",
    "structured is closed": "s = OmegaConf.structured(Config)\ns.none = 3\nout = 1",
    "opened": "s = OmegaConf.structured(Config)\nwith open_dict(s):\n    s.none = 3\nout = s.none",
    "structured and merged": "out = OmegaConf.merge(OmegaConf.structured(Config), {'block': {'width': 4}}).block.width",
    "closed": "OmegaConf.set_struct(c, True)\nc.none = 1\nout = 1",
    "read only": "OmegaConf.set_readonly(c, True)\nc.dim = 1\nout = 1",
    "to object": "o = OmegaConf.to_object(OmegaConf.structured(Config(classes=2)))\nout = [type(o).__name__, o.hidden, type(o.block).__name__]",
    "copied": "d = c.copy()\nd.model.act = 'x'\nout = [c.model.act, d.model.act, d.model.name]",
    "deep copied": "import copy\nd = copy.deepcopy(c.model)\nd.act = 'x'\nout = [c.model.act, d.act, d.hidden]",
    "popped": "out = [c.pop('dim'), c.pop('none', 3), 'dim' in c]",
    "equal": "out = [c.model.inner == {'dim': 'relu', 'far': 64}, c.sizes == [1, 2, 64], OmegaConf.create({'a': 1}) == OmegaConf.create({'a': 1})]",
    "list changed": "c.sizes.append({'a': 1})\nc.sizes.extend([5])\nc.sizes[0] = 9\nout = [c.sizes[3].a, c.sizes[0], c.sizes.pop(), len(c.sizes)]",
    "lists added": "out = [list(c.sizes + [4]), list([4] + c.sizes)]",
    "resolved": "OmegaConf.resolve(c.model)\nout = OmegaConf.to_container(c.model.inner)",
    "not found": "out = OmegaConf.create({'a': '${b}'}).a",
    "unknown resolver": "out = OmegaConf.create({'a': '${nobody:1}'}).a",
    "of no mapping": "out = OmegaConf.create(3)",
    "parameters of layers": "m = nn.Conv2d(c.dim, c.model.hidden, **OmegaConf.create({'kernel_size': 3, 'padding': 1}))\nout = list(m.weight.shape)",
    "sizes of layers": "m = nn.LayerNorm(list(c.sizes))\nk = nn.Conv2d(1, 1, tuple(OmegaConf.create([3, 5])))\nout = list(k.weight.shape)",
    "shown": "out = [str(OmegaConf.create({'a': [1, 'x']})), f'{c.dim:>4}']",
}  # fmt: skip


USING = """from omegaconf_configs import (
    Block, Config, DictConfig, ListConfig, OmegaConf, made, open_dict,
)
c = made()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with stub_harness.importable(tmp_path_factory.mktemp("configs"), "omegaconf_configs", CONFIGS) as made:
        yield made


@pytest.mark.parametrize("name", CASES)
def test_as_the_library(name: str, folder: Path) -> None:
    stub_harness.check(USING + CASES[name], folder)


def test_a_file(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text("model:\n  width: 12\n  twice: ${.width}\n  rate: 1e-3\n")
    source = "from omegaconf import OmegaConf\nc = OmegaConf.load('net.yaml')\nout = [c.model.width, c.model.twice, c.model.rate]"
    assert stub_harness.Interpreted(tmp_path).outcome(source).output == [12, 12, 1e-3]


def test_what_nobody_knows_stays_unknown(tmp_path: Path) -> None:
    source = (
        "from omegaconf import OmegaConf\nimport os\nc = OmegaConf.create({'a': '${oc.env:WIDTH}', 'b': 3, 'd': int(os.environ['W'])})\n"
        "out = [c.b, 1 if c.a == '3' else 2, 1 if c.d == 3 else 2, OmegaConf.load('none.yaml').model.width]"
    )
    output = stub_harness.Interpreted(tmp_path).outcome(source).output
    assert output[0] == 3
    assert all(isinstance(one, str) or one == "OneOf" for one in map(str, output[1:]))
    assert output[1] not in (1, 2)
    assert output[2] not in (1, 2)
