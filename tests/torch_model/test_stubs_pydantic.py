"""Configurations that pydantic makes: the stub does what the library does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.torch_model import stub_harness

CONFIGS = """
from __future__ import annotations
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Dict, List, Literal, Optional, Sequence, Tuple, Union
import pydantic
from pydantic import (
    AfterValidator, AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, PositiveInt, PrivateAttr, RootModel, TypeAdapter,
    ValidationError, computed_field, create_model, field_validator, model_validator, validate_call,
)
from pydantic.dataclasses import dataclass as checked

class Kind(str, Enum):
    SMALL = "small"
    LARGE = "large"

class Block(BaseModel):
    width: int = 8
    act: Literal["relu", "gelu"] = "relu"

class Conv(Block):
    kind: Literal["conv"] = "conv"
    kernel_size: int = 3

class Attention(Block):
    kind: Literal["attention"] = "attention"
    heads: int = 2

class Config(BaseModel):
    model_config = ConfigDict(extra="allow", populate_by_name=True)
    version: ClassVar[int] = 2
    width: int = Field(64, ge=1, description="of all blocks")
    depth: PositiveInt = 2
    ratio: float = 4
    kernels: List[int] = Field(default_factory=lambda: [3, 5])
    size: Tuple[int, int] = (16, 16)
    block: Block = Block()
    blocks: List[Block] = []
    named: Dict[str, Block] = {}
    either: Union[Conv, Attention, None] = None
    other: int | str | None = None
    kind: Kind = Kind.SMALL
    where: Optional[Path] = None
    hidden: Optional[int] = None
    even: Annotated[int, Field(default=4), AfterValidator(lambda v: v + v % 2)]
    heads: int = Field(default=1, alias="n_heads")
    _cache: dict = PrivateAttr(default_factory=dict)
    _count: int = 3

    @field_validator("kernels", mode="before")
    @classmethod
    def one_is_many(cls, v):
        return [v] if isinstance(v, int) else v

    @field_validator("depth", "width")
    def at_least(cls, v, info):
        if v > 5000:
            raise ValueError("too large")
        return v

    @model_validator(mode="after")
    def fill(self):
        if self.hidden is None:
            self.hidden = int(self.width * self.ratio)
        return self

    @model_validator(mode="before")
    @classmethod
    def old_names(cls, data: Any) -> Any:
        if isinstance(data, dict) and "dim" in data:
            data = {**data, "width": data["dim"]}
            del data["dim"]
        return data

    @computed_field
    @property
    def area(self) -> int:
        return self.size[0] * self.size[1]

    def model_post_init(self, context):
        self._cache["depth"] = self.depth

class Deep(Config):
    depth: int = 12
    blocks: List[Conv] = Field(default_factory=lambda: [Conv(), Conv(width=16)])

class Strict(BaseModel, frozen=True):
    model_config = ConfigDict(extra="forbid")
    width: int

class Old(BaseModel):
    width: int = 8
    double: int = 0

    @pydantic.validator("width", pre=True)
    def from_text(cls, v):
        return int(v.rstrip("px")) if isinstance(v, str) else v

    @pydantic.root_validator(pre=True)
    def twice(cls, values):
        return {**values, "double": 16}

class Named(BaseModel):
    width: Annotated[int, BeforeValidator(lambda v: v * 2)]

@checked
class Data:
    width: int = 8
    kernels: Tuple[int, ...] = Field(default_factory=lambda: (3,))
    block: Block = Field(default_factory=Block)

    def __post_init__(self):
        self.more = self.width + 1

class Sizes(RootModel[List[int]]):
    root: List[int]
"""
CASES = {
    "defaults": "c = Config()\nout = [c.width, c.depth, c.ratio, c.kernels, c.size, c.block.width, c.hidden, c.even, c.area, c._cache, c._count]",
    "class variable": "out = [Config.version, list(Config.model_fields)]",
    "texts": "c = Config(width='32', ratio='2.5', kernels=['1', 2.0])\nout = [c.width, c.ratio, c.kernels, c.hidden]",
    "nested": "c = Config(block={'width': 3}, blocks=[{'width': 1}, Block()], named={'a': {'width': 2}})\n"
    "out = [c.block.width, [b.width for b in c.blocks], c.named['a'].width, type(c.block).__name__]",
    "union of models": "out = [type(Config(either={'kind': k}).either).__name__ for k in ('conv', 'attention')]",
    "union of models by what they take": "out = type(Config(either={'heads': 3}).either).__name__",
    "plain union": "out = [Config(other=v).other for v in (3, '3', None)]",
    "enum": "out = [Config(kind='large').kind is Kind.LARGE, Config(kind=Kind.LARGE).kind.value]",
    "path": "out = [Config(where='a/b').where.name, Config().where]",
    "tuple of a list": "out = [Config(size=[1, 2]).size, type(Config(size=[1, 2]).size).__name__]",
    "alias": "out = [Config(n_heads=4).heads, Config(heads=5).heads]",
    "after": "out = [Config(even=5).even, Config(even=6).even]",
    "before": "out = [Config(kernels=7).kernels, Config(dim=9).width]",
    "extra": "c = Config(more=5)\nout = [c.more, c.model_extra]",
    "extra of others is dropped": "out = hasattr(Block(more=5), 'more')",
    "extended": "c = Deep(width=10)\nout = [c.depth, [b.width for b in c.blocks], c.hidden, list(Deep.model_fields)[:3]]",
    "defaults are not shared": "a = Config()\na.kernels.append(9)\na.named['x'] = Block()\nout = [Config().kernels, Config().named]",
    "dumped": "out = Block(width=3).model_dump()",
    "dumped with nested": "out = list(Config(blocks=[{'width': 1}]).model_dump(exclude={'kind', 'where'}).items())[4:8]",
    "dumped without": "out = [Block().model_dump(exclude={'act'}), Block(act='gelu').model_dump(exclude_unset=True), Block(width=9).dict(exclude_defaults=True)]",
    "copied": "c = Block().model_copy(update={'width': 5})\nout = [c.width, Block().copy(update={'width': 6}).width]",
    "validated": "out = [Config.model_validate({'width': 5}).hidden, Block.parse_obj({'width': '7'}).width]",
    "from json": """out = Block.model_validate_json('{"width": 11}').width""",
    "constructed": "c = Block.model_construct(width='a')\nout = [c.width, c.act]",
    "iterated": "out = [list(Block()), dict(Conv())]",
    "equal": "out = [Block() == Block(), Block() == Block(width=1), Block() == Conv()]",
    "set": "out = sorted(Config(width=1, depth=2).model_fields_set)",
    "shown": "out = [repr(Block()), str(Block())]",
    "missing": "out = Strict()",
    "wrong literal": "out = Block(act='tanh')",
    "wrong number": "out = Block(width='wide')",
    "a check that raises": "out = Config(width=6000)",
    "frozen": "c = Strict(width=1)\nc.width = 2\nout = 1",
    "forbidden": "out = Strict(width=1, height=2)",
    "caught": "try:\n    Strict()\n    out = 1\nexcept ValidationError:\n    out = 2",
    "caught as ValueError": "try:\n    Block(act='tanh')\n    out = 1\nexcept ValueError:\n    out = 2",
    "assigned": "c = Block()\nc.width = 12\nout = [c.width, c.model_dump()]",
    "own init": "class Own(Block):\n    def __init__(self, width, **more):\n        super().__init__(width=2 * width, **more)\nout = Own(3).width",
    "first version": "out = [Old(width='12px').width, Old().double]",
    "dataclass": "d = Data('4', [1, 2])\nout = [d.width, d.kernels, d.more, d.block.width, Data(block={'width': 2}).block.width]",
    "root": "out = [Sizes(['1', 2]).root, Sizes.model_validate([3]).root]",
    "created": "M = create_model('M', __module__='made', width=(int, 3), depth=(int, ...))\nc = M(depth='4')\nout = [c.width, c.depth]",
    "adapter": "out = [TypeAdapter(Block).validate_python({'width': 4}).width, TypeAdapter(int).validate_python('3')]",
    "validated call": "@validate_call\ndef f(a: int):\n    return a + 1\nout = f(2)",
    "field of the class": "out = [Config.model_fields['width'].default, Config.model_fields['width'].is_required(), Strict.model_fields['width'].is_required()]",
    "private": "c = Config()\nc._cache['a'] = 1\nc._count += 1\nout = [c._cache, c._count, Config()._cache]",
    "default of the class": "class More(Block):\n    width: int = 99\nout = [More().width, Block().width]",
    "choices of names": "class Named(BaseModel):\n    width: int = Field(validation_alias=AliasChoices('w', 'dim'))\nout = [Named(w=1).width, Named(dim=2).width]",
    "before as annotation": "out = Named(width=4).width",
    "wrapping check": "class Named(BaseModel):\n    width: int\n    @field_validator('width', mode='wrap')\n    @classmethod\n    def around(cls, v, handler):\n        return handler(v) + 1\nout = Named(width='4').width",
    "sees what came before": "class Named(BaseModel):\n    width: int\n    inner: int = 0\n    @field_validator('inner')\n    @classmethod\n    def f(cls, v, info):\n        return v + info.data['width']\nout = Named(width=4, inner=1).inner",
}  # fmt: skip


USING = """import pydantic
from pydantic_configs import (
    AfterValidator, AliasChoices, Annotated, Attention, BaseModel, BeforeValidator, Block, Config, Conv, Data, Deep, Field, Kind, Old, Sizes,
    Named, Strict, TypeAdapter, ValidationError, create_model, field_validator, validate_call,
)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with stub_harness.importable(tmp_path_factory.mktemp("configs"), "pydantic_configs", CONFIGS) as made:
        yield made


@pytest.mark.parametrize("name", CASES)
def test_as_the_library(name: str, folder: Path) -> None:
    stub_harness.check(USING + CASES[name], folder)


def test_a_model_by_its_configuration(folder: Path) -> None:
    source = (
        "class Net(nn.Module):\n    def __init__(self, cfg: Config):\n        super().__init__()\n"
        "        self.fc = nn.Linear(cfg.width, cfg.hidden)\nout = list(Net(Config(width=4)).fc.weight.shape)"
    )
    assert stub_harness.Interpreted(folder).outcome(USING + source).output == [16, 4]


def test_what_nobody_knows_stays_unknown(folder: Path) -> None:
    source = "import os\nc = Config(width=int(os.environ['WIDTH']), depth=3)\nout = [c.depth, 1 if c.width == 3 else 2]"
    output = stub_harness.Interpreted(folder).outcome(USING + source).output
    assert output[0] == 3
    assert output[1] not in (1, 2)


def test_settings_have_their_defaults(folder: Path) -> None:
    source = "from pydantic_settings import BaseSettings\nclass S(BaseSettings):\n    width: int = 5\nout = S().width"
    assert stub_harness.Interpreted(folder).outcome(source).output == 5
