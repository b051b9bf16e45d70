"""The standard library modules that are modelled natively.

Each file here has a table ``MODULES``: dotted module name -> function that makes the module's namespace for one run.
What such a module lacks but the real one has is Unknown with a reason; what neither has is missing.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ane_lsp.interp.values import MISSING, ModuleObject

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

# Module name -> the file here that has it; read lazily so that a run pays for what it imports.
_FILES: dict[str, str] = {
    **dict.fromkeys(["math", "cmath", "operator", "_operator", "statistics"], "numeric"),
    **dict.fromkeys(["functools"], "functools_model"),
    **dict.fromkeys(["itertools"], "itertools_model"),
    **dict.fromkeys(["collections", "heapq", "bisect"], "collections_model"),
    **dict.fromkeys(["abc", "collections.abc", "_collections_abc", "numbers"], "abstract"),
    **dict.fromkeys(["typing", "typing_extensions", "_typeshed"], "typing_model"),
    **dict.fromkeys(["types"], "types_model"),
    **dict.fromkeys(["copy"], "copy_model"),
    **dict.fromkeys(["dataclasses"], "dataclasses_model"),
    **dict.fromkeys(["enum"], "enum_model"),
    **dict.fromkeys(["inspect"], "inspect_model"),
    **dict.fromkeys(["re"], "re_model"),
    **dict.fromkeys(["string", "textwrap", "fnmatch", "json", "json.decoder", "html", "shlex", "pprint"], "text_model"),
    **dict.fromkeys(["glob", "tomli", "tomllib", "yaml"], "files"),
    **dict.fromkeys(["os", "os.path", "posixpath", "pathlib", "sys", "platform", "errno", "stat"], "system"),
    **dict.fromkeys(
        ["importlib", "importlib.abc", "importlib.util", "importlib.metadata", "importlib.machinery", "pkgutil"], "importing"
    ),
    **dict.fromkeys(["_ane_program"], "program"),
    **dict.fromkeys(["_ane_annotations"], "annotations"),
    **dict.fromkeys(["warnings", "gc", "atexit", "contextvars", "weakref", "builtins", "__future__"], "runtime"),
    **dict.fromkeys(
        ["array", "base64", "binascii", "bz2", "calendar", "cProfile", "codecs", "concurrent", "concurrent.futures", "configparser", "csv", "ctypes", "datetime", "difflib", "dis", "email", "faulthandler", "filecmp", "getpass", "gzip", "hashlib", "hmac", "http", "http.client", "importlib.resources", "io", "linecache", "locale", "lzma", "mimetypes", "mmap", "multiprocessing", "multiprocessing.pool", "pickle", "profile", "pstats", "queue", "random", "resource", "sched", "secrets", "select", "shelve", "shutil", "signal", "socket", "sqlite3", "ssl", "struct", "subprocess", "tarfile", "tempfile", "time", "timeit", "token", "tokenize", "traceback", "tracemalloc", "unicodedata", "urllib", "urllib.error", "urllib.parse", "urllib.request", "uuid", "xml", "xml.etree", "xml.etree.ElementTree", "zipfile", "zlib", "asyncio", "ast", "marshal", "code", "symtable", "decimal"],
        "outside",
    ),
}  # fmt: skip
PACKAGES = frozenset(
    {
        "collections", "importlib", "json", "os", "concurrent", "http", "multiprocessing", "urllib", "xml", "xml.etree",
        "email", "asyncio",
    }
)  # fmt: skip

NAMES = frozenset(_FILES)


def native_module(interp: Interpreter, name: str) -> ModuleObject | None:
    """A new module object for `name` if it is modelled natively, else None. The machine keeps one per run."""
    file = _FILES.get(name)
    if file is None:
        return None
    maker = importlib.import_module(f"{__name__}.{file}").MODULES[name]
    module = ModuleObject(name, None, name in PACKAGES)
    module.namespace.update(maker(interp))
    module.namespace.setdefault("__name__", name)
    module.state = "done"
    missing = module.namespace.pop("__missing__", None)

    def lookup(attribute: str) -> Any:
        if missing is not None:
            found = missing(attribute)
            if found is not MISSING:
                return found
        if f"{name}.{attribute}" in _FILES:
            return interp.import_module(f"{name}.{attribute}")
        special = attribute.startswith("__") and attribute != "__version__" and name not in sys.builtin_module_names
        if special or not real_has(name, attribute):
            return MISSING
        return interp.unknown(f"{name}.{attribute} is not modelled")

    module.missing = lookup
    return module


@lru_cache(maxsize=512)
def real_has(module: str, attribute: str) -> bool:
    """Whether the standard library's own module may have the attribute: only then does a program see something there.

    Its source is read, not imported: a module of that name could come from the folder the program was started in.
    """
    text = _source(module)
    if text is None:
        if module not in sys.builtin_module_names:
            return True
        return hasattr(importlib.import_module(module), attribute)
    return " import *" in text or "globals()" in text or re.search(rf"\b{re.escape(attribute)}\b", text) is not None


@lru_cache(maxsize=512)
def real_class_has(module: str, attribute: str) -> bool:
    """Whether a class of the standard library's own module may have the attribute."""
    text = _source(module)
    return text is not None and re.search(rf"(?:\bdef |\bself\.|^    ){re.escape(attribute)}\b", text, re.M) is not None


@lru_cache(maxsize=32)
def _source(module: str) -> str | None:
    base = Path(os.__file__).parent.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path.read_text(encoding="utf-8", errors="replace")
    return None
