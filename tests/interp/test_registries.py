"""Registries that decorated definitions of lazily read libraries fill: what a look-up runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ane_lsp.graph import Unknown
from ane_lsp.interp import run
from ane_lsp.workspace import Workspace

REGISTRY = """\
class Store:
    def __init__(self):
        self.made = {}

    def add(self, name):
        def keep(fn):
            self.made[name.upper()] = fn
            return fn

        return keep

    def __getattr__(self, key):
        if key in self.made:
            return key
        return super().__getattribute__(key)

entries = {}
store = Store()

def register(fn):
    entries[fn.__name__] = fn
    return fn

@store.add("batch")
def make_batch():
    return "batch made"
"""


def value_of(folder: Path, expression: str, **files: str) -> tuple[Any, run.Run]:
    """The value of an expression of a script, with a package ``lib`` beside it."""
    script = f"from lib.registry import entries, store\nvalue = {expression}\n"
    package = {f"lib/{name}": text for name, text in {"registry": REGISTRY, **files}.items()}
    return value_in_script(folder, {**package, "script": script})


def value_in_script(folder: Path, files: dict[str, str]) -> tuple[Any, run.Run]:
    """What `value` is in the module ``script``, one of the `files`, once it has run."""
    for name, text in files.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    done = run.run_script(Workspace(folder), folder / "script.py")
    assert (done.errors, done.internal) == ([], {})
    return done.interp.modules["script"].namespace["value"], done


MODELS = {
    "__init__": "from .models import *\n",
    "models": "from .first import *\nfrom .second import *\n",
    "first": "from .registry import register\n\n@register\ndef alpha():\n    return 1\n",
    "second": "from .registry import register\n\n@register\ndef beta():\n    return 2\n",
}


def test_a_look_up_runs_only_what_mentions_the_key(tmp_path: Path) -> None:
    value, done = value_of(tmp_path, "('beta' in entries, entries['beta']())", **MODELS)
    assert value == (True, 2)
    assert done.interp.modules["lib.second"].state == "done"
    assert done.interp.modules["lib.first"].state == "new"


def test_packages_around_a_registry_have_run(tmp_path: Path) -> None:
    """A script that imports a plain module deep in a package has run the packages around it, which import what registers."""
    inner = tmp_path / "lib" / "inner"
    inner.mkdir(parents=True)
    for name, text in MODELS.items():
        (inner / f"{name}.py").write_text(text)
    (inner / "registry.py").write_text(
        "entries = {}\n\ndef register(fn):\n    entries[fn.__name__] = fn\n    return fn\n"
    )
    (tmp_path / "lib" / "__init__.py").write_text("")
    script = tmp_path / "script.py"
    script.write_text("from lib.inner.registry import entries\nvalue = 'beta' in entries, 'gamma' in entries\n")
    done = run.run_script(Workspace(tmp_path), script)
    assert done.interp.modules["script"].namespace["value"] == (True, False)


def test_who_registers_and_asks_whether_the_name_is_taken_runs_nothing(tmp_path: Path) -> None:
    asking = "entries = {}\n\ndef register(fn):\n    assert fn.__name__ not in entries\n    entries[fn.__name__] = fn\n    return fn\n"
    package = tmp_path / "lib"
    package.mkdir()
    for name, text in {**MODELS, "registry": asking}.items():
        (package / f"{name}.py").write_text(text)
    script = tmp_path / "script.py"
    script.write_text("from lib.registry import entries, register\n\n@register\ndef own():\n    pass\n")
    done = run.run_script(Workspace(tmp_path), script)
    assert done.errors == []
    assert "lib.models" not in done.interp.modules


def test_a_module_that_gives_names_and_asks_whether_they_are_taken_runs_nothing(tmp_path: Path) -> None:
    """The same in a function that a module calls at its top level, for many names at once."""
    listed = (
        "from .registry import entries\n\n"
        "def register_all(given):\n"
        "    for name, made in given.items():\n"
        "        if name in entries:\n            raise ValueError(name)\n"
        "        entries[name] = made\n\n"
        "def known(name):\n    return name in entries\n"
    )
    other = "from .registry import register\n\n@register\ndef gamma():\n    return 3\n"
    third = "from .listed import register_all\n\nregister_all({'alpha_old': 1, 'gamma_old': 2})\nmade = 1\n"
    init = "from .first import *\nfrom .other import *\nfrom .third import *\n"
    files = {"__init__": init, "first": MODELS["first"], "listed": listed, "other": other, "third": third}
    package = {f"lib/{name}": text for name, text in {"registry": REGISTRY, **files}.items()}
    value, done = value_in_script(tmp_path, {**package, "script": "from lib.third import made\nvalue = made + 0\n"})
    assert value == 1
    assert "lib.other" not in done.interp.modules
    # Who only asks has to know.
    asking = "from lib.listed import known\nvalue = known('gamma')\n"
    assert value_in_script(tmp_path, {**package, "script": asking})[0] is True


def test_a_key_nothing_mentions_runs_everything(tmp_path: Path) -> None:
    value, _ = value_of(tmp_path, "('al' + 'phas' in entries, sorted(entries))", **MODELS)
    assert value == (False, ["alpha", "beta"])


def test_a_registry_in_an_object(tmp_path: Path) -> None:
    value, _ = value_of(tmp_path, "(store.BATCH, store.made['BATCH'](), hasattr(store, 'NONE'))", __init__="")
    assert value == ("BATCH", "batch made", False)


def test_a_question_leaves_unmentioned_modules_alone(tmp_path: Path) -> None:
    """Asking whether a name is taken runs no module that cannot register it; computed names may come from anywhere."""
    files = {
        **MODELS,
        "models": "from .first import *\nfrom .second import *\nfrom .third import *\nfrom .fourth import *\n",
        "third": "from .registry import store\n\n@store.add(f'{1}x')\ndef gamma():\n    return 3\n",
        "fourth": "sizes = {}\nfor k in 'ab':\n    sizes[k] = len(k)\n",
    }
    value, done = value_of(tmp_path, "(entries.get('nothing'), 'mine' in entries)", **files)
    assert value == (None, False)
    states = {name: done.interp.modules[f"lib.{name}"].state for name in ("first", "second", "third", "fourth")}
    assert states == {"first": "new", "second": "new", "third": "done", "fourth": "new"}


def test_what_registers_with_another_package_runs_with_its_import(tmp_path: Path) -> None:
    """A module imported for its effects alone, whose decorators come from another package, takes a name over."""
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "__init__.py").write_text("from .models import beta, delta\n")
    (mine / "models.py").write_text(
        "from lib.registry import register\n\n\n@register\ndef beta():\n    return 20\n\n\n@register\ndef delta():\n    return 4\n"
    )
    package = tmp_path / "lib"
    package.mkdir()
    for name, text in {"registry": REGISTRY, **MODELS}.items():
        (package / f"{name}.py").write_text(text)
    script = tmp_path / "script.py"
    script.write_text(
        "import mine\nfrom lib.registry import entries\n\nvalue = (entries['beta'](), entries['delta'](), entries['alpha']())\n"
    )
    done = run.run_script(Workspace(tmp_path), script)
    assert (done.errors, done.internal) == ([], {})
    assert done.interp.modules["script"].namespace["value"] == (20, 4, 1)


def test_a_class_registers_its_subclasses(tmp_path: Path) -> None:
    """``__init_subclass__`` keeps classes by a name in their body; nobody else names them."""
    base = (
        "kinds = {}\n\n\nclass Layer:\n    kind = None\n\n    def __init_subclass__(cls):\n        if cls.kind is not None:\n"
        "            kinds[cls.kind] = cls\n"
    )
    models = (
        "from .base import Layer, kinds\n\n\nclass Flat(Layer):\n    kind = 'flat'\n    size = 1\n\n\n"
        "class Deep(Layer):\n    kind = 'deep'\n    size = 9\n\n\ndef made(kind):\n    return kinds[kind].size\n"
    )
    expression = "__import__('lib.models', fromlist=['made']).made('deep')"
    value, _ = value_of(tmp_path, expression, base=base, models=models, __init__="")
    assert value == 9


def test_a_table_that_is_only_read_has_nobody_to_wait_for(tmp_path: Path) -> None:
    """Modules that mention the key stay as they are, where nothing can put it into the table."""
    files = {
        **MODELS,
        "registry": REGISTRY
        + "\ntable = {'one': 1}\n\ndef pick(name):\n    return table[name] if name in table else 0\n",
    }
    expression = "(lambda lib: (lib.pick('beta'), lib.pick('one')))(__import__('lib.registry', fromlist=['pick']))"
    value, done = value_of(tmp_path, expression, **files)
    assert value == (0, 1)
    assert "lib.second" not in done.interp.modules or done.interp.modules["lib.second"].state == "new"


def test_a_registry_that_an_object_gets_later(tmp_path: Path) -> None:
    """What modules have names for was looked through before."""
    asked = "[{}.get(name) for name in 'abc']"
    later = f"(store.made, {asked}, setattr(store, 'made', {{}}), store.BATCH, store.made['BATCH']())[3:]"
    value, _ = value_of(tmp_path, later, __init__="")
    assert value == ("BATCH", "batch made")


def test_a_module_whose_names_all_come_along_is_read_as_the_editor_shows_it(tmp_path: Path) -> None:
    """What ``from parts import *`` brings is looked for in the newest text, not in what was read once or lies on disk."""
    (tmp_path / "parts.py").write_text("def first():\n    return 1\n")
    script = tmp_path / "script.py"
    script.write_text("from parts import *\nvalue = second() if True else first()\n")
    workspace = Workspace(tmp_path)
    assert run.run_script(workspace, script).errors
    workspace.set_overlay(tmp_path / "parts.py", "def first():\n    return 1\n\n\ndef second():\n    return 2\n")
    shown = run.run_script(workspace, script)
    assert not shown.errors
    assert shown.interp.modules["script"].namespace["value"] == 2


def test_membership_in_a_list_is_that_of_python(tmp_path: Path) -> None:
    cases = "(2 in [1, 2.0], True in (0, 1), 'a' in ['b'], None in [None], float('nan') in [1.0], b'x' in (b'x', 'x'), '1' in [1])"
    value, _ = value_of(tmp_path, cases, __init__="")
    assert value == eval(cases)


def test_a_package_inside_of_another_around_a_registry_has_run(tmp_path: Path) -> None:
    """The outer one has run, for the script imports it."""
    registry = "entries = {}\n\ndef register(fn):\n    entries[fn.__name__] = fn\n    return fn\n"
    files = {
        "lib/__init__": "from .models.registry import build\n",
        "lib/models/__init__": "from .nets import *\n",
        "lib/models/registry": f"{registry}\ndef build(name):\n    return entries[name]()\n",
        "lib/models/nets": "from .registry import register\n\n@register\ndef alpha():\n    return 1\n",
        "script": "from lib import build\nvalue = build('alpha')\n",
    }
    value, _ = value_in_script(tmp_path, files)
    assert value == 1


def test_a_module_of_the_project_of_which_all_is_imported_registers_with_another_package(tmp_path: Path) -> None:
    files = {
        "lib/registry": REGISTRY,
        "nets": "from lib.registry import register\n\n@register\ndef alpha():\n    return 1\n",
        "script": "from lib.registry import entries\nfrom nets import *\nvalue = entries['alpha']()\n",
    }
    value, _ = value_in_script(tmp_path, files)
    assert value == 1


TABLE = """\
class Table:
    def __init__(self):
        self.known = {}

    def register(self, name=None):
        def keep(made):
            self.known[name or made.__name__] = made
            return made

        return keep

    def get(self, key):
        if key in self.known:
            return self.known[key]
        return None

PARTS = Table()
"""
ONE = "from lib.table import PARTS\n@PARTS.register()\nclass One: kind = 1\n"
TWO = "from lib.table import PARTS\n@PARTS.register('second')\nclass Two: kind = 2\n"
READER = "from lib.table import PARTS\nran = True\ndef make(act='second'): return PARTS.get(act)\n"


@pytest.mark.parametrize("how", ["from .parts import *", "from . import parts", "from .parts import One, Two"])
def test_what_a_package_imports_by_name_registers(tmp_path: Path, how: str) -> None:
    files = {
        "lib/__init__": f"from .table import PARTS\n{how}\n",
        "lib/table": TABLE,
        "lib/parts/__init__": "from .one import One\nfrom .two import Two\nfrom .reader import make\n",
        "lib/parts/one": ONE,
        "lib/parts/two": TWO,
        "lib/parts/reader": READER,
        "script": "from lib import PARTS\nvalue = [PARTS.get(key).kind for key in ('One', 'second')]\n",
    }
    value, done = value_in_script(tmp_path, files)
    assert value == [1, 2]
    reader = done.interp.modules.get("lib.parts.reader")
    assert reader is None or "ran" not in reader.namespace  # it only mentions a name


def test_a_package_that_another_one_registers_with_finds_it_under_whatever_name(tmp_path: Path) -> None:
    files = {
        "lib/__init__": "",
        "lib/table": TABLE,
        "other/__init__": "from .bricks import One\ndef help(): pass\n",
        "other/bricks/__init__": "from .one import One\n",
        "other/bricks/one": "from lib.table import PARTS\nclass One: kind = 1\nPARTS.register('first')(One)\n",
        "own/__init__": "",
        "own/table": "from lib.table import PARTS as THEIRS\n",
        "script": "import own.table\nfrom other import help\nhelp()\nvalue = own.table.THEIRS.get('first')\n"
        "value = value and value.kind\n",
    }
    files["other/bricks/__init__"] += "names = ['first']\n"
    assert value_in_script(tmp_path, files)[0] == 1


def test_a_module_imported_by_its_name_has_run(tmp_path: Path) -> None:
    files = {
        "lib/__init__": "",
        "lib/table": TABLE,
        "lib/parts/__init__": "from .two import Two\n",
        "lib/parts/two": TWO,
        "script": "from importlib import import_module\nfrom lib.table import PARTS\nimport_module('lib.parts')\n"
        "value = PARTS.get('second').kind\n",
    }
    assert value_in_script(tmp_path, files)[0] == 2


def test_a_star_brings_the_version_that_is_listed(tmp_path: Path) -> None:
    files = {
        "lib/__init__": "from .version import *\nfrom .other import *\n",
        "lib/version": "__version__ = '2.1.0'\n__all__ = ['__version__']\n",
        "lib/other": "__version__ = '0'\n__author__ = 'somebody'\n",
        "script": "import lib\nvalue = lib.__version__, hasattr(lib, '__author__')\n",
    }
    assert value_in_script(tmp_path, files)[0] == ("2.1.0", False)


def test_who_calls_is_the_module_of_the_frame(tmp_path: Path) -> None:
    files = {
        "lib/__init__": "",
        "lib/scopes": "import inspect, sys\n"
        "class Table:\n"
        "    def __init__(self):\n        self.scope = self.infer()\n"
        "    @staticmethod\n    def infer():\n        return inspect.getmodule(sys._getframe(2)).__name__\n"
        "def caller():\n    return inspect.currentframe().f_back.f_globals['__name__']\n"
        "def given(frame):\n    return frame.f_globals['__name__'], frame.f_back.f_globals['__name__'], caller()\n"
        "def hands_on():\n    return given(sys._getframe())\n",
        "lib/own": "from .scopes import Table\nTABLE = Table()\n",
        "script": "from lib.own import TABLE\nfrom lib.scopes import caller, hands_on\nimport sys\n"
        "value = TABLE.scope, caller(), hands_on(), [sys._getframe(1) for _ in 'a']\n",
    }
    scope, by, given, behind = value_in_script(tmp_path, files)[0]
    assert (scope, by, given) == ("lib.own", "__main__", ("lib.scopes", "__main__", "lib.scopes"))
    assert isinstance(behind[0], Unknown)  # not every Python has a frame for a comprehension
