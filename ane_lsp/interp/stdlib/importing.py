"""``importlib`` and its parts: modules are found as source, never loaded."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Unknown
from ane_lsp.interp import stdlib
from ane_lsp.interp.stdlib.common import Maker, Namespace, by_name, native_type, nothing
from ane_lsp.interp.support import concrete, find_unknown, native, unknown_builtin
from ane_lsp.interp.values import ClassObject, Instance, ModuleObject

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter


@native("importlib.import_module")
def _import_module(interp: Interpreter, name: Any, package: Any = None) -> Any:
    name, package = concrete(name), concrete(package)
    if not isinstance(name, str):
        return interp.unknown("a module whose name is not known", find_unknown(name))
    level = len(name) - len(name.lstrip("."))
    if level:
        if not isinstance(package, str):
            return interp.unknown("a relative import without a known package", find_unknown(package))
        parts = package.split(".")
        name = ".".join([*parts[: len(parts) - level + 1], *([name[level:]] if name[level:] else [])])
    found = interp.import_module(name)
    if isinstance(found, ModuleObject):
        interp.run_module(found)  # often for what it registers: nobody asks for a name of it
    return found


def _resolvable(interp: Interpreter, name: str) -> bool | Unknown:
    """Whether a module of that name is there, as far as sources tell."""
    if interp.find_module(name) is not None:
        return True
    top = name.partition(".")[0]
    return top in stdlib.NAMES or top in _standard_names()


def _standard_names() -> frozenset[str]:
    import sys

    return frozenset(getattr(sys, "stdlib_module_names", ()))


@native("importlib.util.find_spec")
def _find_spec(interp: Interpreter, name: Any, package: Any = None) -> Any:
    name = concrete(name)
    if not isinstance(name, str) or name.startswith("."):
        return interp.unknown("a module whose name is not known", find_unknown(name))
    found = _resolvable(interp, name)
    if found is not True:
        return None if found is False else found
    made = Instance(_class("ModuleSpec", {}))
    made.attrs.update(
        name=name, loader=interp.unknown("loaders are not modelled"), submodule_search_locations=None, parent=name.rpartition(".")[0],
        origin=getattr(interp.find_module(name), "path", None),
    )  # fmt: skip
    return made


@native("importlib.util.spec_from_file_location")
def _spec_from_file(interp: Interpreter, name: Any, location: Any = None, **how: Any) -> Any:
    given = concrete(location)
    near = Path(interp.frame.module.path) if interp.frame.module.path else None
    if not isinstance(given, (str, PurePath)):
        return interp.unknown("a module from a file nobody knows", find_unknown(location))
    file = interp.workspace.find_source(str(given), near)
    if file is None:
        return interp.unknown(f"'{given}' is no Python file of the project")
    made = Instance(_class("ModuleSpec", {}))
    made.attrs.update(name=name, loader=Instance(_class("SourceFileLoader", by_name(_exec_module))), origin=str(file))
    return made


def _class(name: str, namespace: Namespace) -> ClassObject:
    return ClassObject(name, name, (), namespace, ModuleObject("importlib.machinery", None))


@native("importlib.util.module_from_spec")
def _module_from_spec(interp: Interpreter, spec: Any) -> Any:
    """The module as an import would find it: nothing tells the two apart but the name."""
    origin = interp.getattr(spec, "origin", None)
    module = interp.find_module(interp.workspace.module_name(Path(origin))) if isinstance(origin, str) else None
    if not isinstance(module, ModuleObject) or module.path != origin:
        return interp.unknown("a module from a file nobody knows", find_unknown(spec))
    return module


@native("importlib.machinery.exec_module")
def _exec_module(interp: Interpreter, loader: Any, module: Any) -> None:
    if isinstance(module, ModuleObject):
        interp.run_module(module)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()


@lru_cache(maxsize=16)
def _installed(roots: tuple[Path, ...]) -> dict[str, str]:
    """Versions of the distributions in these places, by normalised name: the names of their ``.dist-info`` folders."""
    found: dict[str, str] = {}
    for root in roots:
        try:
            names = sorted(entry.name for entry in root.iterdir() if entry.name.endswith(".dist-info"))
        except OSError:
            continue
        for name in names:
            stem, _, version = name[: -len(".dist-info")].rpartition("-")
            if version:
                found.setdefault(_normal(stem), version)
    return found


def distribution_version(interp: Interpreter, name: str) -> str | None:
    """The version of a distribution installed where the run reads sources."""
    places = (*interp.workspace.search_paths, *interp.workspace.environment.site_packages)
    return _installed(places).get(_normal(name))


@native("importlib.metadata.version")
def _version(interp: Interpreter, distribution_name: Any) -> Any:
    name = concrete(distribution_name)
    if not isinstance(name, str):
        return interp.unknown("the version of an unknown distribution", find_unknown(name))
    found = distribution_version(interp, name)
    if found is not None:
        return found
    module = interp.find_module(name.replace("-", "_"))
    if isinstance(module, ModuleObject) and module.is_torch:
        return interp.getattr(module, "__version__")
    if module is None:
        from importlib.metadata import PackageNotFoundError

        return interp.raise_(PackageNotFoundError, name)
    return interp.unknown(f"the installed version of {name}")


def _metadata(interp: Interpreter) -> Namespace:
    from importlib.metadata import PackageNotFoundError

    asked = ["metadata", "distribution", "distributions", "entry_points", "files", "requires", "packages_distributions"]
    return {
        "version": _version, "PackageNotFoundError": PackageNotFoundError,
        **{n: unknown_builtin(n, "what is installed is not looked at") for n in asked},
    }  # fmt: skip


@native("importlib.reload")
def _reload(interp: Interpreter, module: Any) -> Any:
    return module


def _util(interp: Interpreter) -> Namespace:
    loading = ("spec_from_loader", "LazyLoader", "source_hash")
    return {
        **by_name(_find_spec, _spec_from_file, _module_from_spec),
        **{n: unknown_builtin(n, "modules are not loaded from files here") for n in loading},
    }


def _machinery(interp: Interpreter) -> Namespace:
    names = ("ModuleSpec", "SourceFileLoader", "ExtensionFileLoader", "PathFinder", "FileFinder")
    return {n: native_type("importlib.machinery", n) for n in names}


def _abc(interp: Interpreter) -> Namespace:
    names = ("MetaPathFinder", "PathEntryFinder", "Loader", "ResourceLoader", "InspectLoader", "ExecutionLoader",
             "FileLoader", "SourceLoader", "Traversable", "TraversableResources")  # fmt: skip
    return {n: native_type("importlib.abc", n) for n in names}


MODULES: dict[str, Maker] = {
    "importlib": lambda interp: {
        **by_name(_import_module, _reload), "invalidate_caches": nothing("invalidate_caches"),
    },
    "importlib.util": _util, "importlib.metadata": _metadata, "importlib.machinery": _machinery,
    "importlib.abc": _abc,
    "pkgutil": lambda interp: {
        n: unknown_builtin(n, "what modules there are is not looked at")
        for n in ("iter_modules", "walk_packages", "get_data", "find_loader", "extend_path")
    },
}  # fmt: skip
