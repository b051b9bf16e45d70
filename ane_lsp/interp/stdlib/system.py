"""``os``, ``os.path``, ``pathlib``, ``sys``, ``platform``: pure functions are computed, the machine itself is not looked at.

The environment counts as empty but for what the program cannot go on without, only data files are looked for (:mod:`.files`), and
the program is told that it runs CPython 3.11 on Linux.
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Unknown
from ane_lsp.interp.methods import attribute_of
from ane_lsp.interp.stdlib import files
from ane_lsp.interp.stdlib.common import Maker, Namespace, native_type, nothing
from ane_lsp.interp.stdlib.inspect_model import frame_at
from ane_lsp.interp.support import (
    DefaultDict,
    concrete,
    find_unknown,
    host_call,
    native,
    plain,
    spreading,
    unknown_builtin,
)
from ane_lsp.interp.text import interp_version
from ane_lsp.interp.values import MISSING, Builtin, ClassObject, Instance, IteratorObject, ModuleObject

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

_PROCESS = "nothing outside the program is run or asked"


def _path_text(value: Any) -> Any:
    value = concrete(value)
    return str(value) if isinstance(value, PurePath) else value


def _pure(name: str, fn: Callable[..., Any]) -> Builtin:
    def run(interp: Interpreter, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        given = [_path_text(a) for a in args]
        if not plain([given, kwargs]):
            return interp.unknown(f"{name}() of a path that is not known", find_unknown([given, kwargs]))
        return host_call(interp, "the path", fn, *given, **kwargs)

    return spreading(name, run)


@native("os.path.abspath")
def _absolute(interp: Interpreter, path: Any, **kwargs: Any) -> Any:
    text = _path_text(path)
    if isinstance(text, str) and text.startswith("/"):
        return posixpath.normpath(text)
    return interp.unknown("the directory a program runs in is not known", find_unknown(text))


@native("os.path.expanduser")
def _expanduser(interp: Interpreter, path: Any) -> Any:
    text = _path_text(path)
    if isinstance(text, str) and not text.startswith("~"):
        return text
    return interp.unknown("the home directory is not known", find_unknown(text))


def _os_path(interp: Interpreter) -> Namespace:
    pure = [
        "join",
        "dirname",
        "basename",
        "split",
        "splitext",
        "normpath",
        "isabs",
        "commonprefix",
        "commonpath",
        "splitdrive",
        "normcase",
    ]
    asked = [
        "isdir",
        "islink",
        "getsize",
        "getmtime",
        "getatime",
        "getctime",
        "lexists",
        "ismount",
        "samefile",
    ]
    return {
        **{n: _pure(f"os.path.{n}", getattr(posixpath, n)) for n in pure},
        **{n: unknown_builtin(n, files.UNREAD) for n in asked},
        **{n: Builtin(n, lambda interp, args, kwargs: files.exists(interp, *args)) for n in ("exists", "isfile")},
        "abspath": _absolute, "realpath": _absolute, "expanduser": _expanduser,
        "expandvars": unknown_builtin("expandvars", "the environment is not looked at"),
        "relpath": unknown_builtin("relpath", "the directory a program runs in is not known"),
        "sep": "/", "altsep": None, "extsep": ".", "pathsep": ":", "curdir": ".", "pardir": "..", "devnull": "/dev/null",
    }  # fmt: skip


@native("os.getenv", stores=True)
def _getenv(interp: Interpreter, key: Any, default: Any = None) -> Any:
    return default


@native("os.environ.__missing__", stores=True)
def _set_outside(interp: Interpreter) -> Any:
    """A variable that a program counts on is set by what starts it, as ``RANK`` is by torchrun; one that may fail to read it goes on
    without."""
    if interp.trying:
        return interp.raise_(KeyError, "the environment is not looked at")
    return interp.unknown("an environment variable: the environment is not looked at")


@native("os.fspath")
def _fspath(interp: Interpreter, path: Any) -> Any:
    text = _path_text(path)
    if isinstance(text, (str, bytes, Unknown)):
        return text
    if isinstance(path, Instance):
        return interp.call(interp.getattr(path, "__fspath__"), (), {})
    return interp.raise_(TypeError, "expected str, bytes or os.PathLike object")


def _is_path_like(value: Any) -> bool:
    return isinstance(value, PurePath) or (
        isinstance(value, Instance) and value.cls.lookup("__fspath__") is not MISSING
    )


def _os(interp: Interpreter) -> Namespace:
    asked = [
        "listdir",
        "scandir",
        "walk",
        "stat",
        "lstat",
        "getcwd",
        "getpid",
        "getppid",
        "cpu_count",
        "getlogin",
        "urandom",
        "popen",
        "system",
        "access",
        "getloadavg",
        "sched_getaffinity",
        "uname",
        "readlink",
        "open",
        "read",
        "fstat",
        "get_terminal_size",
        "pipe",
        "fork",
        "dup",
    ]
    effects = [
        "makedirs",
        "mkdir",
        "remove",
        "unlink",
        "rename",
        "replace",
        "rmdir",
        "removedirs",
        "chdir",
        "symlink",
        "chmod",
        "close",
        "write",
        "kill",
        "umask",
        "utime",
        "truncate",
        "link",
        "_exit",
        "putenv",
        "unsetenv",
        "register_at_fork",
        "fsync",
        "setsid",
        "nice",
    ]
    return {
        **{n: unknown_builtin(n, files.UNREAD if n != "urandom" else "random bytes") for n in asked},
        **{n: nothing(n) for n in effects},
        "environ": DefaultDict(interp, _set_outside), "getenv": _getenv, "fspath": _fspath, "sep": "/", "altsep": None, "linesep": "\n", "pathsep": ":",
        "name": "posix", "curdir": ".", "pardir": "..", "extsep": ".", "devnull": "/dev/null", "error": OSError,
        "PathLike": native_type("os", "PathLike", _is_path_like), "F_OK": 0, "R_OK": 4, "W_OK": 2, "X_OK": 1,
        "O_RDONLY": os.O_RDONLY, "O_WRONLY": os.O_WRONLY, "O_CREAT": os.O_CREAT,
    }  # fmt: skip


# -- pathlib --------------------------------------------------------------------------------------------------------------------

_PATH_DATA = ["parts", "drive", "root", "anchor", "name", "suffix", "suffixes", "stem", "parent"]
_PATH_PURE = [
    "as_posix",
    "is_absolute",
    "is_relative_to",
    "joinpath",
    "match",
    "relative_to",
    "with_name",
    "with_stem",
    "with_suffix",
    "as_uri",
    "__truediv__",
    "__rtruediv__",
    "__fspath__",
    "__str__",
    "with_segments",
    "is_reserved",
]
_PATH_SAME = ["expanduser", "resolve", "absolute"]
_PATH_ASKED = [
    "exists",
    "is_file",
    "is_dir",
    "is_symlink",
    "stat",
    "lstat",
    "read_text",
    "read_bytes",
    "open",
    "iterdir",
    "glob",
    "rglob",
    "owner",
    "samefile",
    "is_mount",
    "readlink",
    "walk",
]
_PATH_EFFECTS = [
    "mkdir",
    "touch",
    "unlink",
    "rmdir",
    "write_text",
    "write_bytes",
    "rename",
    "replace",
    "chmod",
    "symlink_to",
    "hardlink_to",
]


@attribute_of((PurePath, PureWindowsPath))
def _path_attribute(interp: Interpreter, obj: PurePath, name: str) -> Any:
    if name in _PATH_DATA:
        value = getattr(obj, name)
        return list(value) if isinstance(value, list) else value
    if name == "parents":
        return tuple(obj.parents)
    if name in _PATH_PURE and hasattr(obj, name):
        return _with_paths(f"Path.{name}", getattr(obj, name))
    if name in _PATH_SAME:
        if obj.is_absolute() or (name == "expanduser" and not str(obj).startswith("~")):
            return Builtin(name, lambda interp, args, kwargs: PurePosixPath(posixpath.normpath(str(obj))))
        return unknown_builtin(name, "the directory a program runs in is not known")
    if name in _PATH_ASKED:
        return files.path_method(interp, obj, name) or unknown_builtin(name, files.UNREAD)
    if name in _PATH_EFFECTS:
        return nothing(name)
    return MISSING


def _with_paths(name: str, fn: Callable[..., Any]) -> Builtin:
    """A method that takes texts and paths."""

    def run(interp: Interpreter, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        given = [concrete(a) for a in args]
        if not all(isinstance(g, PurePath) or plain(g) for g in given) or not plain(kwargs):
            return interp.unknown(f"{name}() with a part that is not known", find_unknown([given, kwargs]))
        made = host_call(interp, "the path", fn, *given, **kwargs)
        return MISSING if made is NotImplemented else made

    return Builtin(name, run)


def _pathlib(interp: Interpreter) -> Namespace:
    return {
        "Path": PurePosixPath, "PurePath": PurePosixPath, "PosixPath": PurePosixPath, "PurePosixPath": PurePosixPath,
        "PureWindowsPath": PureWindowsPath, "WindowsPath": PureWindowsPath,
    }  # fmt: skip


# -- sys -------------------------------------------------------------------------------------------------------------------------


def _modules_table(interp: Interpreter) -> Instance:
    """``sys.modules``: what the run has imported so far."""

    def table() -> dict[str, Any]:
        return interp.modules

    @native("modules.__getitem__")
    def getitem(interp: Interpreter, self: Any, name: Any) -> Any:
        if not isinstance(name, str):
            return interp.unknown("a module whose name is not known", find_unknown(name))
        if name == "__main__":
            running = [one for one in table().values() if one.namespace.get("__name__") == name]
            return running[0] if running else interp.raise_(KeyError, name)
        found = interp.import_module(name)
        return interp.raise_(KeyError, name) if isinstance(found, Unknown) and name not in table() else found

    @native("modules.__setitem__")
    def setitem(interp: Interpreter, self: Any, name: Any, value: Any) -> Any:
        """The module itself is kept: programs put lazy stand-ins for themselves here, which give the same names."""
        return

    @native("modules.get")
    def get(interp: Interpreter, self: Any, name: Any, default: Any = None) -> Any:
        return (
            table().get(name, default) if isinstance(name, str) else interp.unknown("a module whose name is not known")
        )

    @native("modules.__contains__")
    def contains(interp: Interpreter, self: Any, name: Any) -> Any:
        return name in table() if isinstance(name, str) else interp.unknown("a module whose name is not known")

    @native("modules.__iter__")
    def iterate(interp: Interpreter, self: Any) -> Any:
        names: Iterator[str] = iter(list(table()))
        return IteratorObject(names)

    @native("modules.items")
    def items(interp: Interpreter, self: Any) -> Any:
        return list(table().items())

    @native("modules.keys")
    def keys(interp: Interpreter, self: Any) -> Any:
        return list(table())

    @native("modules.values")
    def values(interp: Interpreter, self: Any) -> Any:
        return list(table().values())

    @native("modules.pop")
    def pop(interp: Interpreter, self: Any, name: Any, default: Any = None) -> Any:
        return table().get(name, default)

    kind = native_type("sys", "modules", methods={
        "__getitem__": getitem, "__setitem__": setitem, "get": get, "__contains__": contains, "__iter__": iterate,
        "items": items, "keys": keys, "values": values, "pop": pop,
    })  # fmt: skip
    cls = ClassObject("modules", "modules", (kind,), {}, ModuleObject("sys", None))
    cls.mro = (cls, kind)
    return Instance(cls)


def _version_info(interp: Interpreter) -> Any:
    from collections import namedtuple

    kind = namedtuple("version_info", "major minor micro releaselevel serial")  # type: ignore[name-match]
    return kind(*interp_version(), 0, "final", 0)


@native("sys.exit")
def _exit(interp: Interpreter, status: Any = None, /) -> Any:
    return interp.raise_(SystemExit, str(status) if isinstance(status, (int, str)) else "")


@native("sys.intern")
def _intern(interp: Interpreter, text: Any, /) -> Any:
    return text


def _stream(interp: Interpreter, name: str) -> Instance:
    writes = {n: nothing(n) for n in ("write", "flush", "close", "writelines", "reconfigure")}
    answers = {n: Builtin(n, lambda interp, args, kwargs: False) for n in ("isatty", "closed", "seekable")}
    reads = {
        n: unknown_builtin(n, "what a user types is not known") for n in ("read", "readline", "readlines", "fileno")
    }
    kind = native_type("io", "TextIOWrapper", methods={**writes, **answers, **reads})
    cls = ClassObject("TextIOWrapper", "TextIOWrapper", (kind,), {}, ModuleObject("io", None))
    cls.mro = (cls, kind)
    made = Instance(cls)
    made.attrs.update(name=f"<{name}>", encoding="utf-8")
    return made


def _implementation(version: Any, hexversion: int) -> Instance:
    """CPython, as :func:`_platform` says as well."""
    cls = ClassObject("SimpleNamespace", "SimpleNamespace", (), {}, ModuleObject("types", None))
    cls.mro = (cls,)
    made = Instance(cls)
    cache_tag = f"cpython-{version.major}{version.minor}"
    made.attrs.update(name="cpython", cache_tag=cache_tag, version=version, hexversion=hexversion)
    return made


def _sys(interp: Interpreter) -> Namespace:
    version, (major, minor) = _version_info(interp), interp_version()
    hexversion = (major << 24) | (minor << 16) | 0xF0
    return {
        "version_info": version, "version": f"{major}.{minor}.0 (main)", "platform": "linux",
        "hexversion": hexversion, "maxsize": (1 << 63) - 1, "byteorder": "little",
        "modules": _modules_table(interp), "path": [""], "meta_path": [], "path_hooks": [], "warnoptions": [], "argv": [""], "flags": interp.unknown("how Python was started"),
        "executable": interp.unknown("which Python runs"), "prefix": interp.unknown("which Python runs"),
        "exit": _exit, "intern": _intern, "stdout": _stream(interp, "stdout"), "stderr": _stream(interp, "stderr"),
        "stdin": _stream(interp, "stdin"), "maxunicode": sys.maxunicode, "float_info": interp.unknown("sys.float_info is not modelled"),
        "implementation": _implementation(version, hexversion),
        **{n: nothing(n) for n in ("setrecursionlimit", "settrace", "setprofile", "excepthook", "breakpointhook", "displayhook")},
        "getrecursionlimit": Builtin("getrecursionlimit", lambda interp, args, kwargs: 1000),
        "exc_info": Builtin("exc_info", lambda interp, args, kwargs: interp.unknown("the exception being handled")),
        **{n: unknown_builtin(n, f"sys.{n}() is not modelled") for n in ("getsizeof", "getrefcount")},
        "_getframe": Builtin("_getframe", lambda interp, args, kwargs: frame_at(interp, args[0] if args else 0)),
    }  # fmt: skip


def _platform(interp: Interpreter) -> Namespace:
    unclear = [
        "node",
        "release",
        "version",
        "processor",
        "platform",
        "uname",
        "freedesktop_os_release",
        "mac_ver",
        "libc_ver",
        "win32_ver",
    ]
    answers = {"system": "Linux", "machine": "x86_64", "python_version": "3.11.0", "python_implementation": "CPython"}
    return {
        **{n: unknown_builtin(n, _PROCESS) for n in unclear},
        **{n: Builtin(n, lambda interp, args, kwargs, v=v: v) for n, v in answers.items()},  # type: ignore[misc]
        "python_version_tuple": Builtin("python_version_tuple", lambda interp, args, kwargs: ("3", "11", "0")),
    }  # fmt: skip


def _constants(module: Any) -> Maker:
    return lambda interp: {n: v for n, v in vars(module).items() if isinstance(v, (int, str)) and not n.startswith("_")}


MODULES: dict[str, Maker] = {
    "os": _os, "os.path": _os_path, "posixpath": _os_path, "pathlib": _pathlib, "sys": _sys, "platform": _platform,
    "errno": _constants(errno), "stat": _constants(stat),
}  # fmt: skip
