"""``open``, ``glob``, ``tomllib``, ``yaml``: data files of the project and its packages are read, as text; nothing else is.

Which files those are says :mod:`ane_lsp.workspace.datafiles`. Any other file is unknown, whether it exists included.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Unknown
from ane_lsp.interp.stdlib.common import Maker, Namespace, native_type, nothing
from ane_lsp.interp.support import concrete, find_unknown, host_call, native, plain, unknown_builtin
from ane_lsp.interp.values import Builtin, Instance

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

UNREAD = "what files there are is not looked at"
_YAML_LIMIT = 200_000  # characters; PyYAML needs a second for as many
_NODES = 100_000
_DEPTH = 60


def _find(interp: Interpreter, path: Any) -> list[Path] | None:
    given = concrete(path)
    if not isinstance(given, (str, PurePath)):
        return None
    module = interp.frame.module if interp.frame is not None else None
    near = Path(module.path) if module is not None and module.path else None
    return interp.workspace.find_data(str(given), near)


def text_of(interp: Interpreter, path: Any) -> str | Unknown:
    """What the file at `path`, a text or path of the program, holds."""
    found = _find(interp, path)
    if not found:
        return interp.unknown("a file that is no data file of the project or of a package", find_unknown(path))
    if len(found) > 1:
        return interp.unknown("a file's name that fits two files, which one depends on where the program is started")
    text = interp.workspace.data_text(found[0])
    return interp.unknown("a file that is no text, or too long") if text is None else text


@native("open")
def open_file(interp: Interpreter, file: Any, mode: Any = "r", *args: Any, **kwargs: Any) -> Any:
    """The builtin, ``io.open`` and ``Path.open``."""
    if concrete(file) is None:
        return interp.raise_(TypeError, "expected str, bytes or os.PathLike object, not NoneType")
    if mode not in ("r", "rt"):
        return interp.unknown("only text files are read here, and none is written", find_unknown(mode))
    text = text_of(interp, file)
    if isinstance(text, Unknown):
        return text
    made = interp.getattr(interp.import_module("_ane_files"), "TextIOWrapper")
    return interp.call(made, (text, str(concrete(file))), {})


def exists(interp: Interpreter, path: Any) -> Any:
    """Whether a data file is there, the program run in the project's folder or its own; unknown for all other files."""
    found = _find(interp, path)
    return interp.unknown(UNREAD, find_unknown(path)) if found is None else bool(found)


def glob_files(interp: Interpreter, pattern: Any) -> list[str] | Unknown:
    """Data files that fit an absolute pattern; unknown where it is not only for those."""
    given = concrete(pattern)
    found = interp.workspace.find_data_files(given) if isinstance(given, str) and given.startswith("/") else None
    return interp.unknown(UNREAD, find_unknown(pattern)) if found is None else [str(path) for path in found]


def path_method(interp: Interpreter, path: PurePath, name: str) -> Builtin | None:
    """A method of ``pathlib.Path`` that asks for files and is answered here."""
    if name in ("exists", "is_file"):
        return Builtin(name, lambda interp, args, kwargs: exists(interp, path))
    if name == "read_text":
        return Builtin(name, lambda interp, args, kwargs: text_of(interp, path))
    if name == "open":
        return Builtin(name, lambda interp, args, kwargs: interp.call(open_file, (path, *args), kwargs))
    if name in ("glob", "rglob"):

        def search(interp: Interpreter, pattern: Any) -> Any:
            if not isinstance(concrete(pattern), str):
                return interp.unknown(UNREAD, find_unknown(pattern))
            found = glob_files(interp, str(path / ("**" if name == "rglob" else "") / concrete(pattern)))
            return found if isinstance(found, Unknown) else [PurePosixPath(each) for each in found]

        return native(f"Path.{name}")(search)
    return None


@native("glob.glob")
def _glob(interp: Interpreter, pathname: Any, *, recursive: Any = False, **kwargs: Any) -> Any:
    given = concrete(pathname)
    if kwargs or (isinstance(given, str) and "**" in given and recursive is not True):
        return interp.unknown(UNREAD)
    return glob_files(interp, pathname)


def content(interp: Interpreter, source: Any) -> str | Unknown:
    """The text that a program hands to a parser: itself, or an open file's."""
    given = concrete(source)
    if isinstance(given, Instance):
        given = concrete(interp.call(interp.getattr(given, "read"), (), {}))
    if isinstance(given, bytes):
        given = given.decode("utf-8", "replace")
    return given if isinstance(given, str) else interp.unknown("a text that is not known", find_unknown(given))


# -- TOML and YAML ---------------------------------------------------------------------------------------------------------------


def _parsed(interp: Interpreter, text: Any, parse: Callable[[str], Any], what: str) -> Any:
    if isinstance(text, Unknown):
        return text
    try:
        value = parse(text)
    except (ValueError, RecursionError, MemoryError):
        return interp.unknown(f"{what} that does not parse")
    try:
        return _known(interp, value, [_NODES], 0)
    except OverflowError:
        return interp.unknown(f"{what} that is too large, or holds itself")


def _known(interp: Interpreter, value: Any, left: list[int], depth: int) -> Any:
    """`value` with what is no plain value (dates, sets) made unknown. Raises OverflowError where it is too large or too deep."""
    left[0] -= 1
    if left[0] < 0 or depth > _DEPTH:
        raise OverflowError
    if isinstance(value, dict):
        return {k: _known(interp, v, left, depth + 1) for k, v in value.items() if plain(k)}
    if isinstance(value, list):
        return [_known(interp, v, left, depth + 1) for v in value]
    return value if plain(value) else interp.unknown(f"a {type(value).__name__} of a file")


def _toml(text: str) -> Any:
    try:
        toml = importlib.import_module("tomllib")
    except ImportError:
        toml = importlib.import_module("tomli")
    return toml.loads(text)


def _nests(text: str) -> bool:
    """Whether brackets, dashes or indentation may nest deeper than is read: PyYAML's time grows with the square of that."""
    depth = deepest = 0
    for bracket in re.findall(r"[][{}]", text):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return (
        deepest > _DEPTH or re.search(rf"^(?:[ ]*[-?:][ ]+){{{_DEPTH}}}|^[ ]{{{8 * _DEPTH}}}", text, re.M) is not None
    )


def _yaml(text: str) -> Any:
    yaml: Any = importlib.import_module("yaml")
    if len(text) > _YAML_LIMIT or _nests(text):
        raise ValueError("too long, or too deep")
    try:
        return yaml.load(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None


@native("tomllib.load")
def _tomllib_load(interp: Interpreter, file: Any, **options: Any) -> Any:
    return _parsed(interp, content(interp, file), _toml, "TOML")


def _toml_module(interp: Interpreter) -> Namespace:
    return {"load": _tomllib_load, "loads": _tomllib_load, "TOMLDecodeError": ValueError}


_YAML_METHODS = (
    "construct_mapping", "construct_object", "construct_pairs", "construct_scalar", "construct_sequence", "construct_undefined",
    "construct_yaml_float", "construct_yaml_int", "construct_yaml_map", "construct_yaml_seq", "construct_yaml_str",
    "represent_dict", "represent_mapping", "represent_scalar", "represent_sequence",
)  # fmt: skip


def _resolved(interp: Interpreter, value: Any) -> Any:
    """What a file holds, with texts that a program's own resolver may take for numbers unknown."""
    if isinstance(value, dict):
        return {key: _resolved(interp, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(interp, item) for item in value]
    if not isinstance(value, str) or not re.fullmatch(r"[-+.\d]+(?:[eE][-+]?\d+)?", value):
        return value
    return interp.unknown(f"what '{value}' is says a resolver of the program")


def _yaml_module(interp: Interpreter) -> Namespace:
    loaders = (
        "SafeLoader",
        "CSafeLoader",
        "FullLoader",
        "CFullLoader",
        "BaseLoader",
        "Loader",
        "CLoader",
        "UnsafeLoader",
    )
    loads = ("load", "safe_load", "full_load", "unsafe_load")
    dumps = ("dump", "safe_dump")
    dumpers = ("SafeDumper", "CSafeDumper", "Dumper", "CDumper", "BaseDumper")
    taught: list[Any] = []  # resolvers of the program: `1e-4`, a text for PyYAML, is a number with the usual one

    def load(interp: Interpreter, stream: Any, Loader: Any = None) -> Any:
        found = _parsed(interp, content(interp, stream), _yaml, "YAML")
        return _resolved(interp, found) if taught else found

    def resolver(interp: Interpreter, *given: Any, **options: Any) -> None:
        taught.append(given)

    registers = {name: nothing(name) for name in ("add_constructor", "add_multi_constructor", "add_representer")}
    registers |= {name: native(name)(resolver) for name in ("add_implicit_resolver", "add_path_resolver")}
    methods = {name: unknown_builtin(name, f"yaml's {name}() is not modelled") for name in _YAML_METHODS} | registers
    return {
        **{name: native("yaml.load")(load) for name in loads},
        **{name: native_type("yaml", name, methods=methods, base=object) for name in (*loaders, *dumpers)},
        **{n: Builtin(n, lambda interp, args, kwargs: interp.unknown("the text of a value")) for n in dumps},
        **registers,
        "YAMLError": ValueError,
    }


def _glob_module(interp: Interpreter) -> Namespace:
    def escape(interp: Interpreter, pathname: Any) -> Any:
        import glob

        return host_call(interp, "the pattern", glob.escape, concrete(pathname))

    return {"glob": _glob, "escape": native("glob.escape")(escape)}


MODULES: dict[str, Maker] = {
    "glob": _glob_module, "tomllib": _toml_module, "tomli": _toml_module, "yaml": _yaml_module,
}  # fmt: skip
