"""Names that nobody knows: what may have them is unknown, and nothing is said to be missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ane_lsp.graph import Unknown
from ane_lsp.interp import run
from ane_lsp.interp.values import Tensor
from ane_lsp.workspace import Workspace


def names(folder: Path, **files: str) -> dict[str, Any]:
    """What the names of `script` stand for; it goes through."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)
    done = run.run_script(Workspace(folder), folder / f"{next(iter(files)).replace('__', '/')}.py")
    assert (done.errors, done.internal) == ([], {})
    module = next(
        one
        for one in done.interp.modules.values()
        if one.path is not None and one.state == "done" and "end" in one.namespace
    )
    return module.namespace


def test_a_module_of_which_all_is_imported_may_hold_any_name_if_it_is_missing(tmp_path: Path) -> None:
    space = names(
        tmp_path,
        script="from helpers import *\nimport helpers\nfound = made(2)\nother = helpers.more\nknown = held\nlength = len([1])\nend = 1\n",
        helpers="from nowhere import *\nheld = 3\n",
    )
    assert isinstance(space["found"], Unknown)
    assert "nowhere" in space["found"].first.reason
    assert isinstance(space["other"], Unknown)
    assert (space["known"], space["length"]) == (3, 1)


def test_a_module_that_is_only_said_to_be_missing_in_other_words_may_be_elsewhere(tmp_path: Path) -> None:
    """What has to be compiled is not where the source is read."""
    text = """
try:
    import compiled_ops as ops
    from compiled_ops.more import width
except ImportError as error:
    message = "compile it first"
    raise ImportError(message) from error
try:
    import fast
except ImportError:
    fast = 3
try:
    import slow
except ImportError as error:
    try:
        import slower as slow
    except ImportError:
        slow = 4
end = [ops.layer(width), fast, slow]
"""
    layer, fast, slow = names(tmp_path, script=text)["end"]
    assert isinstance(layer, Unknown)
    assert (fast, slow) == (3, 4)


def test_the_attributes_of_an_object_behind_super(tmp_path: Path) -> None:
    text = """
class Base:
    def __init__(self):
        self.width = 3


class Config(Base):
    def held(self):
        return {**super().__dict__, "more": 1}


class Alone:
    def held(self):
        try:
            return super().__dict__
        except AttributeError:
            return None


end = [Config().held(), Alone().held()]
"""
    real: dict[str, Any] = {}
    exec(text, real)
    assert names(tmp_path, script=text)["end"] == real["end"]


def test_operations_of_torch_come_with_its_stars(tmp_path: Path) -> None:
    text = "from torch import *\nfrom torch.nn.functional import *\nx = zeros(2, 3)\nend = [sum(x, 1), linear(x, x), len([1])]\n"
    space = names(tmp_path, script=text)
    real: dict[str, Any] = {}
    exec(text, real)
    found = space["end"]
    assert [tuple(item.shape) for item in real["end"][:2]] == [item.type.shape for item in found[:2]]
    assert found[2] == 1


def test_a_script_is_among_the_modules(tmp_path: Path) -> None:
    assert names(tmp_path, script="import sys\nwidth = 3\nend = sys.modules[__name__].width\n")["end"] == 3


def test_a_compiled_model_has_more_than_the_model(tmp_path: Path) -> None:
    text = (
        "import torch\nfrom torch import nn\nmade = torch.jit.trace(nn.Linear(2, 3), torch.zeros(1, 2))\nmade.save('net.pt')\n"
        "torch.jit.script(nn.ReLU()).save('other.pt')\nfound = [made.code, made.graph]\nend = made(torch.zeros(4, 2))\n"
    )
    space = names(tmp_path, script=text)
    assert [isinstance(one, Unknown) for one in space["found"]] == [True, True]
    assert space["end"].type.shape == (4, 3)


def test_the_text_of_an_error_that_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("import foreign\nraise ValueError(f'{foreign.name} is missing')\n")
    done = run.run_script(Workspace(tmp_path), tmp_path / "script.py")
    assert [text for text, _ in done.errors] == ["ValueError: its text is not known"]


def test_a_module_beside_the_folder_of_a_file_is_found(tmp_path: Path) -> None:
    """A script beside `layers` is what is run; the project is a folder further out."""
    space = names(
        tmp_path, part__layers__net="from layers.parts import width\nend = width\n", part__layers__parts="width = 5\n"
    )
    assert space["end"] == 5


def test_attributes_set_under_names_nobody_knows(tmp_path: Path) -> None:
    head = "import foreign\nimport torch\nfrom torch import nn\n\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    body = "        self.one = nn.Linear(2, 3)\n        for name in foreign.names:\n            self.__setattr__(name, nn.Linear(2, 4))\n\n"
    call = "    def forward(self, x):\n        return self.one(x)\n\n\nend = Net()(torch.zeros(1, 2))\n"
    end = names(tmp_path, script=head + body + call)["end"]
    assert isinstance(end, Unknown) or (isinstance(end, Tensor) and end.type.shape != (1, 3))


def test_attributes_of_functions_that_are_not_followed_are_unknown(tmp_path: Path) -> None:
    """Which of them a function of torch has depends on how it is written there."""
    text = "import torch\n\n\ndef f(): pass\n\n\nfound = [torch.einsum.__kwdefaults__, len.__text_signature__, f.__closure__ is None]\nend = f.__wrapped__ if hasattr(f, '__wrapped__') else 1\n"
    space = names(tmp_path, script=text)
    assert [isinstance(one, Unknown) for one in space["found"]] == [True, True, False]
    assert space["end"] == 1


def test_what_the_standard_library_has_is_unknown_where_it_is_not_modelled(tmp_path: Path) -> None:
    text = (
        "import argparse\nimport logging\nimport multiprocessing\nimport sys\nimport threading\n\n\nclass Parser(argparse.ArgumentParser): pass\n\n\n"
        "found = [logging._nameToLevel, multiprocessing.cpu_count(), sys.__stdout__, argparse._StoreAction]\n"
        "found += [threading.Thread.ident, threading.Thread().ident, Parser()._parse_optional]\n"
        "end = [hasattr(logging, 'nosuch'), hasattr(Parser(), 'nosuch'), hasattr(sys, '__path__')]\n"
    )
    space = names(tmp_path, script=text)
    assert [one for one in space["found"] if not isinstance(one, Unknown)] == []
    assert space["end"] == [False, False, False]


def test_a_text_nobody_knows_may_bind_any_name(tmp_path: Path) -> None:
    space = names(
        tmp_path, script="import foreign\nexec(foreign.text)\nfound = made\nexec('end = 2')\nlength = len('ab') + end\n"
    )
    assert isinstance(space["found"], Unknown)
    assert space["length"] == 4


def test_a_dict_made_of_something_unknown_may_have_any_entry(tmp_path: Path) -> None:
    text = (
        "import foreign\n\n\nclass Table(dict):\n    def __init__(self, held):\n        super().__init__(held)\n        self.__dict__ = self\n\n\n"
        "class Row(list): pass\n\n\ntable, row = Table(foreign.table), Row(foreign.row)\n"
        "found = [len(table), table.width, table['width'], len(row), row[0]]\nend = 1\n"
    )
    space = names(tmp_path, script=text)
    assert [one for one in space["found"] if not isinstance(one, Unknown)] == []


def test_an_unknown_base_takes_what_its_module_is_built_from(tmp_path: Path) -> None:
    space = names(
        tmp_path,
        script=(
            "import torch\nfrom torch import nn\nfrom parts import Derived, Mixed\n"
            "one, two = Derived(3), Mixed(3, width=4)\nheld, width = one.config, two.width\n"
            "training = (one.training, two.training)\nresult = one(torch.zeros(2, 3))\nend = 1\n"
        ),
        parts=(
            "from torch import nn\nfrom nowhere import Base\n"
            "class Derived(Base):\n    def forward(self, x):\n        return x + 1\n"
            "class Mixed(Base, nn.Module):\n    def forward(self, x):\n        return x\n"
        ),
    )
    assert isinstance(space["held"], Unknown)
    assert isinstance(space["width"], Unknown)
    assert "nowhere" in space["width"].first.reason
    assert space["training"] == (True, True)
    assert space["result"].type.shape == (2, 3)


def test_a_module_whose_bases_are_known_takes_no_more_than_they_do(tmp_path: Path) -> None:
    space = names(
        tmp_path,
        script=(
            "from torch import nn\nclass Plain(nn.Module):\n    def forward(self, x):\n        return x\n"
            "try:\n    Plain(3)\n    told = None\nexcept TypeError as error:\n    told = str(error)\nend = 1\n"
        ),
    )
    assert "takes 1 positional argument but 2 were given" in space["told"]


def test_attributes_by_a_name_nobody_knows_are_asked_for_by_their_methods(tmp_path: Path) -> None:
    space = names(
        tmp_path,
        script=(
            "from nowhere import name\n"
            "class Held:\n    def __init__(self):\n        self.x = 3\n"
            "    def __getattribute__(self, key):\n        return super().__getattribute__(key)\n"
            "held = Held()\nknown, lost = held.__getattribute__('x'), held.__getattribute__(name)\n"
            "held.__setattr__(name, 4)\nend = 1\n"
        ),
    )
    assert space["known"] == 3
    assert isinstance(space["lost"], Unknown)


def test_names_of_comprehensions_and_inner_functions_are_no_names_of_a_branch_that_is_not_followed(
    tmp_path: Path,
) -> None:
    """A function that calls itself in branches that nobody can decide is followed only so deep (timm's ``is_static_pad``)."""
    text = """
import nowhere
one, size, given = 1, 2, 3
def static(kernel):
    if nowhere.known(kernel):
        def inner():
            size = 5
            return size
        sizes = [one + inner() for one in (kernel, kernel)]
        return all([static(given) for given in sizes])
    return kernel
end = static(nowhere.kernel)
"""
    space = names(tmp_path, script=text)
    assert (space["one"], space["size"], space["given"]) == (1, 2, 3)
    assert space["end"].__class__ is not bool


def test_a_module_that_imports_a_name_through_its_package_is_not_where_the_package_has_it_from(tmp_path: Path) -> None:
    """All of both modules goes on through the package, what they imported included."""
    (tmp_path / "package/more").mkdir(parents=True)
    (tmp_path / "package/__init__.py").write_text("from .widths import *\nfrom .more import *\n")
    (tmp_path / "package/more/__init__.py").write_text("from ..blocks import *\n")
    space = names(
        tmp_path,
        package__blocks="from package import widen\nfound = widen(2)\nend = 1\n",
        package__widths="def widen(n):\n    return 8 * n\n",
    )
    assert space["found"] == 16


def test_the_version_of_a_module_that_is_modelled_is_not_known_and_not_missing(tmp_path: Path) -> None:
    space = names(tmp_path, script="import json, yaml\nfound = yaml.__version__, json.__version__\nend = 1\n")
    assert all(isinstance(one, Unknown) for one in space["found"])


def test_a_generator_that_calls_itself_on_what_nobody_knows_ends(tmp_path: Path) -> None:
    """How deep a table is in which everything may be another table is not known, and no error of the program."""
    text = (
        "import foreign\n\n\ndef flat(table):\n    if isinstance(table, dict):\n        for key, value in table.items():\n"
        "            if key in foreign.names:\n                yield key, value\n            if isinstance(value, dict):\n"
        "                yield from flat(value)\n            else:\n                yield key, value\n\n\n"
        "found = dict(flat({'a': 1, 'b': foreign.table}))\nend = dict(flat({'a': {'b': {'c': 2}}, 'd': 3}))\n"
    )
    space = names(tmp_path, script=text.replace("key in foreign.names", "key in foreign.names and key != key"))
    assert space["end"] == {"c": 2, "d": 3}
    names(tmp_path, script=text)


ENDLESS = {
    "may end after each": "        if key in foreign.names:\n            return\n        yield key",
    "may be left after each": "        if key in foreign.names:\n            break\n        yield key",
    "may skip each": "        if key in foreign.names:\n            continue\n        yield key\n        if key in foreign.names:\n            return",
    "yields in what may not be": "        if key in foreign.names:\n            yield key\n            return",
    "asks another": "        if key in foreign.names:\n            return\n        yield from foreign.names",
}


@pytest.mark.parametrize("loop", ["while True", "for _ in itertools.count()"])
@pytest.mark.parametrize("name", ENDLESS)
def test_a_generator_that_may_end_after_each_round_has_any_number(tmp_path: Path, name: str, loop: str) -> None:
    text = (
        f"import foreign\nimport itertools\n\n\ndef some(key):\n    {loop}:\n{ENDLESS[name]}\n\n\n"
        "found = tuple(some(3))\nfew = [one for _, one in zip(range(2), some(3))]\nend = len(found)\n"
    )
    space = names(tmp_path, script=text)
    assert isinstance(space["end"], Unknown)
    assert space["found"].__class__ is Unknown or space["found"].item is None


def test_a_generator_that_may_end_in_a_loop_of_few_rounds_has_as_many(tmp_path: Path) -> None:
    text = (
        "import foreign\n\n\ndef some(last):\n    for key in range(3):\n        yield key\n        if key in foreign.names:\n"
        "            return\n    yield last\n\n\nfound = [one for one in some(7)]\nend = found[0]\n"
    )
    assert names(tmp_path, script=text)["end"] == 0


def test_a_method_that_may_be_wrapped_is_bound(tmp_path: Path) -> None:
    """As where a metaclass nobody knows decides whether the constructors of its classes are wrapped."""
    text = (
        "import foreign\n\n\nclass Base:\n    def __init__(self, n):\n        self.n = n\n\n    @classmethod\n    def two(cls):\n        return 2\n\n\n"
        "def wrap(cls):\n    init = cls.__init__\n\n    def wrapped(self, *args, **kwargs):\n        return init(self, *args, **kwargs)\n\n"
        "    cls.__init__ = wrapped\n    cls.two = classmethod(lambda cls: 2)\n\n\nif foreign.wrapping:\n    wrap(Base)\n\n\n"
        "class Own(Base):\n    def __init__(self, n):\n        super().__init__(n=n)\n\n\nend = Own(3).n + Own(3).two()\n"
    )
    assert names(tmp_path, script=text)["end"] == 5
