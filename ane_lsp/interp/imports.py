"""Imports: modules are found as source, bound lazily, and run when a name of theirs is first needed."""

from __future__ import annotations

import ast
import os
import re
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from ane_lsp.graph import Span, Unknown, dims
from ane_lsp.interp import stdlib
from ane_lsp.interp.frames import Frame, UnknownIteration
from ane_lsp.interp.objects import Objects
from ane_lsp.interp.values import MISSING, Lazy, ModuleObject, PyRaise, TorchFunction
from ane_lsp.syntax.outline import STAR_IMPORT, Piece
from ane_lsp.syntax.source import SourceFile
from ane_lsp.syntax.stand_ins import without_stand_in
from ane_lsp.torch_model import registry
from ane_lsp.workspace.resolve import ModuleFile

STUB_ROOTS = (
    Path(__file__).parent / "stubs",
    Path(__file__).parent.parent / "torch_model" / "stubs",
)
_PARTIAL_STUBS = frozenset(
    {"numpy", "einops", "lightning", "pytorch_lightning", "huggingface_hub", "PIL", "beartype"}
)  # packages of which a stub describes a part
STDLIB: frozenset[str] = getattr(sys, "stdlib_module_names", frozenset())


# Packages that models import without computing shapes with them, or that make their code as they run: their sources are not read, their
# names are unknown.
_OPAQUE = frozenset({
    "PIL", "scipy", "pandas", "cv2", "regex", "requests", "urllib3", "httpx", "huggingface_hub", "safetensors",
    "tokenizers", "yaml", "tqdm", "matplotlib", "sklearn", "filelock", "fsspec", "jinja2", "sentencepiece",
    "ane_lsp", "tensorflow", "jax", "flax", "onnx", "onnxruntime", "coremltools", "wandb", "tensorboard", "psutil", "datasets",
    "accelerate", "peft", "gradio", "librosa", "soundfile", "skimage", "imageio", "av", "decord", "pytest", "rich",
    "omegaconf", "hydra", "lightning_utilities", "torchmetrics", "ipdb", "termcolor", "tabulate", "ftfy", "boto3",
    "attr", "attrs", "argcomplete", "docstring_parser", "jsonargparse", "jsonschema", "loguru", "mpmath", "numba", "rpds", "shapely",
    "sympy", "einx",
})  # fmt: skip
# Accelerators that no model converted for Core ML runs on: as if they were not installed.
_ABSENT = frozenset({"triton", "xformers", "flash_attn", "flash_attn_interface", "apex", "deepspeed", "bitsandbytes",
                     "kernels", "torch_xla", "torch_npu", "habana_frameworks", "intel_extension_for_pytorch",
                     "fbgemm_gpu", "mamba_ssm", "causal_conv1d", "natten", "fla", "liger_kernel"})  # fmt: skip


_STUB_FOLDERS = tuple(str(root) for root in STUB_ROOTS)
_path_of = lru_cache(maxsize=1024)(Path)  # a file is asked for again and again


def is_stub(path: str) -> bool:
    """Whether a file is one of ours, standing for a library's."""
    return path.startswith(_STUB_FOLDERS)


@lru_cache(maxsize=64)
def _stub_source(path: str) -> SourceFile:
    from ane_lsp.syntax.source import read_source

    return read_source(Path(path))


@lru_cache(maxsize=1024)
def _stub_path(name: str) -> tuple[str, bool] | None:
    """The stub that stands for a module: its file and whether it is a package."""
    parts = name.split(".")
    for root in STUB_ROOTS:
        if parts[0] not in _stubs_in(root):
            continue
        base = os.path.join(root, *parts)
        package = os.path.join(base, "__init__.py")
        if os.path.isfile(package):
            return package, True
        if os.path.isfile(f"{base}.py"):
            return f"{base}.py", False
    return None


@lru_cache(maxsize=2)
def _stubs_in(root: Path) -> frozenset[str]:
    return frozenset(name.partition(".")[0] for name in os.listdir(root))


@lru_cache(maxsize=256)
def _stubbed_package(top: str) -> bool:
    return any(top in _stubs_in(root) for root in STUB_ROOTS)


@lru_cache(maxsize=1)
def _torch_prefixes() -> frozenset[str]:
    found: set[str] = set()
    for name in registry.names():
        while "." in name:
            name = name.rpartition(".")[0]
            found.add(name)
    return frozenset(found)


def _is_type_checking(test: ast.expr) -> bool:
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
        return any(_is_type_checking(part) for part in test.values)
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", None)
    return name == "TYPE_CHECKING"


def mentioned(word: str, text: str) -> bool:
    """Whether a text may define or register something of that name."""
    lower = word.lower()
    return word in text or (lower != word and lower in text)


@lru_cache(maxsize=1024)
def _may_bind(text: str, name: str) -> bool:
    """Whether a module of this source may bind a name at its top level."""
    return name in text and bool(re.search(
        rf"^[ \t]*(?:class|def|async def)[ \t]+{name}\b|^{name}\b[^\n=]*=|^[ \t]*(?:from|import)[ \t].*\b{name}\b"
        rf"|^[ \t]+(?:\w[\w \t]*,[ \t]*)*(?:\w+[ \t]+as[ \t]+)?{name}\b[\w \t,]*\)?[ \t]*(?:#.*)?$",
        text, re.M,
    ))  # fmt: skip


class Imports(Objects):
    # -- finding -------------------------------------------------------------------------------------------------------

    def find_module(self, name: str, importer: ModuleObject | None = None) -> ModuleObject | None:
        """The module of that absolute name, not run yet; None where there is no source for it."""
        known = self.modules.get(name)
        if known is not None:
            return known
        if name in self.nowhere:
            return None
        found = self._locate(name, importer)
        if found is not None:
            self.modules[name] = found
        return found

    def _locate(self, name: str, importer: ModuleObject | None) -> ModuleObject | None:
        stub = _stub_path(name)
        if stub is not None:
            module = ModuleObject(name, stub[0], stub[1])
            module.state = "new"
            return module
        top = name.partition(".")[0]
        if name in _torch_prefixes():
            module = ModuleObject(name, None, True)
            module.state = "done"
            return module
        native = stdlib.native_module(self, name)  # type: ignore[arg-type]
        if native is not None:
            native.state = "done"
            return native
        if top in _ABSENT or (_stubbed_package(top) and top not in _OPAQUE):
            self.nowhere.add(name)
            return None
        from_file = Path(importer.path) if importer is not None and importer.path is not None else None
        # Where nothing catches that it is not there, the file runs only where its own folder is on the path.
        file = (
            self._in_front(name, from_file)
            or self.workspace.resolve(name, from_file, beside=not self.trying)
            or self._on_path(name, from_file)
        )
        if file is None:
            return None
        if top in _OPAQUE and not self.workspace.is_own(file.path):
            module = ModuleObject(name, None, True)
            module.state = "done"
            module.missing = lambda attribute: Unknown(f"`{name}.{attribute}`: package {top} is not read")
            return module
        if file.is_namespace:
            module = ModuleObject(name, None, True)
            module.state = "done"
            return module
        return ModuleObject(file.name, str(file.path), file.is_package)

    def _in_front(self, name: str, from_file: Path | None) -> ModuleFile | None:
        """A module with source in a folder that the program put before the script's own."""
        listed = self._listed()
        found = self._look(name, listed[: listed.index("")], from_file) if "" in listed[1:] else None
        if found is None or found.is_namespace:
            return None
        top = name.partition(".")[0]
        loaded = self.modules.get(top) if top != name else None
        if loaded is not None and loaded.path is not None:  # whose parts lie where it does
            first = self._in_front(top, from_file)
            return found if first is not None and str(first.path) == loaded.path else None
        return found

    def _on_path(self, name: str, from_file: Path | None) -> ModuleFile | None:
        """A module in a folder that the program put on ``sys.path``."""
        return self._look(name, self._listed(), from_file)

    def _listed(self) -> list[Any]:
        """``sys.path`` as the program made it: "" is the script's own folder, what is behind it was there."""
        system = self.modules.get("sys")
        listed = system.namespace.get("path") if system is not None else None
        return listed if isinstance(listed, list) else []

    def _look(self, name: str, listed: list[Any], from_file: Path | None) -> ModuleFile | None:
        """A relative folder counts from where the program was started: by custom the project's folder or that of the script."""
        folders = [Path(entry) for entry in listed if isinstance(entry, str) and entry]
        bases = [self.workspace.root, *([from_file.parent] if from_file is not None else [])]
        return self.workspace.find_in([base / folder for folder in folders for base in bases], name)

    def import_module(self, name: str, importer: ModuleObject | None = None) -> ModuleObject | Unknown:
        """``importlib.import_module(name)``."""
        found = self.find_module(name, importer)
        return found if found is not None else self.missing_module(name)

    def missing_module(self, name: str) -> Unknown:
        """A module without source: raises ImportError inside a ``try``, is Unknown elsewhere."""
        top = name.partition(".")[0]
        if top in STDLIB:
            return self.unknown(f"module '{name}' of the standard library is not modelled")
        if self.trying:
            raise PyRaise(ModuleNotFoundError(f"No module named '{name}'"), self.here())
        return self.unknown(
            f"module '{name}' was not found; set `python` or `search-paths` if it is installed elsewhere"
        )

    def _absolute_name(self, module: ModuleObject, name: str, level: int) -> str | None:
        """The absolute name of a relative import in `module`; None where it leads out of the package."""
        if not level:
            return name
        package = module.namespace.get("__package__")
        if not isinstance(package, str):
            package = module.name if module.is_package else module.name.rpartition(".")[0]
        parts = package.split(".") if package else []
        if level > max(1, len(parts)):
            return None
        parts = parts[: len(parts) - (level - 1)]
        return ".".join([*parts, name] if name else parts)

    # -- statements ----------------------------------------------------------------------------------------------------

    def import_name(self, name: str, alias: str | None, frame: Frame, node: ast.AST) -> None:
        """``import a.b [as c]``."""
        frame.node = node
        found: Any = self.find_module(name, frame.module)
        if found is None:
            found = self.missing_module(name)
        if alias is not None:
            self.bind_name(frame, alias, found)
            return
        top, _, rest = name.partition(".")
        if not rest:
            self.bind_name(frame, top, found)
            return
        root: Any = self.find_module(top, frame.module)
        if root is None:
            root = self.missing_module(top)
        if isinstance(root, ModuleObject) and isinstance(found, ModuleObject):
            parent = root
            parts = name.split(".")
            for i, part in enumerate(parts[1:], 1):
                child = self.find_module(".".join(parts[: i + 1]), frame.module)
                if child is None:
                    break
                if part not in parent.namespace and parent.state == "done":
                    parent.namespace[part] = child
                parent = child
        self.bind_name(frame, top, root)

    def bind_name(self, frame: Frame, name: str, value: Any) -> None:
        """Bind what an import statement binds; the machine's rules for global and nonlocal names apply."""
        raise NotImplementedError

    def _imported_from(self, importer: ModuleObject, name: str, level: int) -> ModuleObject | None:
        """What ``from name import`` takes its names from, `level` dots in front of it."""
        absolute = self._absolute_name(importer, name, level)
        found = self.find_module(absolute, importer) if absolute is not None else None
        if found is None and level and importer.path is not None:
            file = self.workspace.resolve(name, Path(importer.path), level)
            if file is not None:
                found = self.modules.get(file.name)
                if found is None:
                    found = ModuleObject(file.name, None if file.is_namespace else str(file.path), file.is_package)
                    found.state = "done" if file.is_namespace else "new"
                    self.modules[file.name] = found
        return found

    def import_from(self, node: ast.ImportFrom, frame: Frame) -> None:
        """``from x import a, b as c``: names are bound lazily, inside a ``try`` at once."""
        frame.node = node
        module: Any = self._imported_from(frame.module, node.module or "", node.level)
        if module is None:
            if node.module == "__future__":
                return
            name = self._absolute_name(frame.module, node.module or "", node.level)
            module = self.missing_module(name or "." * node.level + (node.module or ""))
        at = self.span_in(frame, node)
        for alias in node.names:
            bound = alias.asname or alias.name
            if alias.name == "*":
                if isinstance(module, ModuleObject):
                    self._import_star(module, frame)
                else:
                    frame.module.lost_star = module
                continue
            if isinstance(module, Unknown):
                self.bind_name(frame, bound, Unknown(f"`{alias.name}` of {module.reason}", at, module))
            elif self.trying or frame.names is not None:
                self.bind_name(frame, bound, self._import_attribute(module, alias.name, at))
            else:
                self.bind_name(frame, bound, Lazy(module, alias.name, at=at))

    def _import_star(self, module: ModuleObject, frame: Frame) -> None:
        if frame.names is None and not frame.class_body:
            if module not in frame.module.stars:
                frame.module.stars.append(module)
                if frame.module not in self.with_stars:
                    self.with_stars.append(frame.module)
            return
        self.run_module(module)
        for name, value in list(module.namespace.items()):
            if not name.startswith("_"):
                self.bind_name(frame, name, value)

    def _import_attribute(self, module: ModuleObject, name: str, at: Span | None) -> Any:
        found = self.module_attribute(module, name)
        if found is MISSING:
            if self.trying:
                raise PyRaise(ImportError(f"cannot import name '{name}' from '{module.name}'"), at)
            return Unknown(f"'{name}' was not found in module '{module.name}'", at)
        return found

    def resolve_lazy(self, value: Any, namespace: dict[str, Any], name: str) -> Any:
        """What a lazily imported name stands for; kept in the namespace."""
        if value.piece is not None:
            return self._define(value, namespace, name)
        if value.resolving:
            # `from . import x` in a package's own __init__, or names that import each other in a circle.
            child = self.find_module(f"{value.module.name}.{value.attribute}", value.module)
            return child if child is not None else self.unknown(f"'{name}' is imported in a circle")
        trying, self.trying = self.trying, 0
        value.resolving = True
        try:
            found = self._import_attribute(value.module, value.attribute, value.at)
        finally:
            self.trying = trying
            value.resolving = False
        unfinished = isinstance(found, Unknown) and value.module.state == "running"
        if namespace.get(name) is value and not unfinished:
            namespace[name] = found
            self.bindings += 1
        return found

    def _define(self, value: Lazy, namespace: dict[str, Any], name: str) -> Any:
        """Run the definition a lazy name stands for."""
        piece = value.piece
        assert piece is not None
        if value.resolving:
            return self.unknown(f"'{name}' is defined in terms of itself")
        value.resolving = True
        try:
            body = piece.parse()
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            body = self._whole_definition(value.module, name)
        self._run_statements(value.module, body)
        self.bindings += 1
        found = namespace.get(name, MISSING)
        if found is value or found is MISSING:
            found = self.unknown(f"'{name}' could not be defined")
            namespace[name] = found
        return found

    def _whole_definition(self, module: ModuleObject, name: str) -> list[ast.stmt]:
        tree = self._source(module).parse()
        body = tree.body if isinstance(tree, ast.Module) else []
        return [s for s in body if getattr(s, "name", None) == name]

    def define_all(
        self, module: ModuleObject, decorated_only: bool = False, word: str | None = None, computed: bool = False
    ) -> bool:
        """Run definitions of a module that are still lazy. True where there were any.

        With `word` only those that mention it, and with `computed` those whose decorators are given more than constants.
        """
        waiting = [
            (name, value)
            for name, value in module.namespace.items()
            if value.__class__ is Lazy and value.piece is not None and not value.resolving
            if value.piece.decorated or not decorated_only
            if word is None or mentioned(word, value.piece.text) or (computed and value.piece.computed)
        ]
        for name, value in waiting:
            self._define(value, module.namespace, name)
        return bool(waiting)

    # -- attributes of modules -----------------------------------------------------------------------------------------

    def module_attribute(self, module: ModuleObject, name: str) -> Any:
        """``module.name``: its namespace, star imports, submodules, torch's op registry, module ``__getattr__``."""
        namespace = module.namespace
        value = namespace.get(name, MISSING)
        if value is MISSING and module.state == "new":
            self.run_module(module)
            value = namespace.get(name, MISSING)
        if value is not MISSING:
            if value.__class__ is Lazy:
                value = self.resolve_lazy(value, namespace, name)
            if self.written is not None:
                self.note_shared(value)
            return value
        if module.stars:
            value = self.star_attribute(module, name)
            if value is not MISSING:
                return value
        if name == "__name__":
            return module.name
        if name == "__dict__":
            self.bindings += 1
            self.define_all(module)
            return namespace
        if name == "__file__":
            return module.path or MISSING
        if name in ("__doc__", "__spec__", "__loader__"):
            return None
        if name == "__path__":
            return [str(Path(module.path).parent)] if module.path and module.is_package else MISSING
        if (module.is_package or module.is_torch) and module.missing is None:
            child = self.find_module(f"{module.name}.{name}", module)
            if child is not None:
                return child
        if module.deferred and not name.startswith("__"):
            value = self._deferred_attribute(module, name)
            if value is not MISSING:
                return value
        full = f"{module.name}.{name}"
        if registry.find(full) is not None:
            return TorchFunction(full)
        if module.missing is not None:
            value = module.missing(name)
            if value is not MISSING:
                return value
        getter = namespace.get("__getattr__", MISSING)
        if getter is not MISSING and not name.startswith("__"):
            if getter.__class__ is Lazy:
                getter = self.resolve_lazy(getter, namespace, "__getattr__")
            try:
                return self.call(getter, (name,))
            except PyRaise as raised:
                if raised.is_a(AttributeError):
                    return MISSING
                raise
        top = module.name.partition(".")[0]
        native = module.is_torch or top in _PARTIAL_STUBS
        if native and top in _OPAQUE and not name.startswith("__"):
            return self.unknown(f"`{full}`: package {top} is not read")
        if (native and not name.startswith("__")) or (
            self.stands_for_stdlib(module) and stdlib.real_has(module.name, name)
        ):
            return self.unknown(f"{full} is not modelled")
        if module.state == "failed":
            return self.unknown(f"module '{module.name}' could not be read")
        return self.lost_with_star(module, name)

    def stands_for_stdlib(self, module: ModuleObject) -> bool:
        """Whether a module is a stub of ours for one of the standard library, which may have more than the stub."""
        return module.path is not None and module.name in STDLIB and is_stub(module.path)

    def lost_with_star(self, module: ModuleObject, name: str) -> Any:
        """Unknown for a name that nothing binds where a module of ``from x import *`` was not found; else MISSING."""
        seen: list[ModuleObject] = [module]
        for one in seen if not name.startswith("_") else ():
            if one.state == "new":
                self.run_module(one)
            if one.lost_star is not None:
                return Unknown(
                    f"`{name}` may be one of the names of {one.lost_star.reason}", self.here(), one.lost_star
                )
            seen += [star for star in one.stars if star not in seen]
        return MISSING

    def _deferred_attribute(self, module: ModuleObject, name: str) -> Any:
        """A name that only an ``if TYPE_CHECKING:`` block imports: what a lazy module would load on first use."""
        stars: list[ModuleObject] = []
        for block in module.deferred:
            for node in ast.walk(block):
                if not isinstance(node, ast.ImportFrom):
                    continue
                for alias in node.names:
                    if alias.name != "*" and (alias.asname or alias.name) != name:
                        continue
                    source = self._imported_from(module, node.module or "", node.level)
                    if source is None or source is module:
                        continue
                    if alias.name == "*":
                        stars.append(source)
                    else:
                        return self.module_attribute(source, alias.name)
        for star in stars:
            if self._may_export(star, name, set()):
                value = self.module_attribute(star, name)
                if value is not MISSING:
                    return value
        return MISSING

    def module_names(self, module: ModuleObject) -> list[str]:
        """``dir(module)``: what its source binds, and for torch what the op registry adds."""
        self.run_module(module)
        names = set(module.namespace)
        for star in module.stars:
            names |= {n for n in self.module_names(star) if not n.startswith("_")}
        prefix = module.name + "."
        names |= {n[len(prefix) :] for n in registry.names() if n.startswith(prefix) and "." not in n[len(prefix) :]}
        return sorted(names)

    def star_attribute(self, module: ModuleObject, name: str) -> Any:
        """A name that came with ``from x import *``, found without running modules that cannot have it."""
        if name == "__all__":
            return MISSING
        for star in reversed(module.stars):
            if self._may_export(star, name, set()) and (not name.startswith("__") or self._lists(star, name)):
                held = star.namespace.get(name)
                if held.__class__ is Lazy and held.resolving:
                    continue  # that module asks for the name from here
                value = self.module_attribute(star, name)
                if value is not MISSING:
                    return value
        return MISSING

    def _lists(self, module: ModuleObject, name: str) -> bool:
        """Whether ``__all__`` of a module names it: so ``__version__`` comes with a star, which leaves out other names with underscores."""
        names = self.module_attribute(module, "__all__")
        return isinstance(names, (list, tuple)) and name in names

    def _may_export(self, module: ModuleObject, name: str, seen: set[str]) -> bool:
        if module.name in seen:
            return False
        seen.add(module.name)
        if name in module.namespace:
            return True
        if module.is_torch and not name.startswith("_") and registry.find(f"{module.name}.{name}") is not None:
            return True
        if module.state == "done":
            if any(self._may_export(star, name, seen) for star in module.stars):
                return True
            return self._deferred_attribute(module, name) is not MISSING if module.deferred else False
        if module.path is None:
            return True
        text = self._source(module).text
        if _may_bind(text, name):
            return True
        if "import *" not in text:
            return False
        for match in STAR_IMPORT.finditer(text):
            dotted = match.group(1)
            level = len(dotted) - len(dotted.lstrip("."))
            child = self._imported_from(module, dotted.lstrip("."), level)
            if child is not None and self._may_export(child, name, seen):
                return True
        return False

    # -- running -------------------------------------------------------------------------------------------------------

    def _source(self, module: ModuleObject) -> SourceFile:
        assert module.path is not None
        source = self.sources.get(module.path)
        if source is None:
            stub = is_stub(module.path)
            source = _stub_source(module.path) if stub else self.workspace.read(_path_of(module.path))
            if module.path in self.exchangeable:  # other worlds may have read it, too
                source = source.apart()
            self.sources[module.path] = source
        return source

    def tree_of(self, module: ModuleObject) -> ast.Module | None:
        """The syntax tree of a module's file, None where it has none."""
        tree = self._source(module).parse() if module.path is not None else None
        return tree if isinstance(tree, ast.Module) else None

    def lines_of(self, module: ModuleObject) -> list[str]:
        """The lines of a module's file, none where it has no file."""
        return self._source(module).text_lines if module.path is not None else []

    def run_module(self, module: ModuleObject) -> None:
        """Run a module's top level once. A statement that fails is left out; the rest still counts."""
        if module.state != "new":
            return
        module.state = "running"
        if module.path is None:
            module.state = "done"
            return
        source = self._source(module)
        # A file that is edited has its functions exchanged in its tree, also where it imports itself under another name.
        pieces = source.pieces if module.path not in self.watched else None
        if pieces is not None and self._run_pieces(module, pieces):
            return
        tree = source.parse()
        if not isinstance(tree, ast.Module):
            module.state = "failed"
            return
        self.run_top_level(module, tree.body)

    def _run_pieces(self, module: ModuleObject, pieces: list[Piece]) -> bool:
        """Run the code of a library module; its definitions stay lazy. False where the cut was wrong, before anything ran."""
        try:
            parsed = [None if piece.name else piece.parse() for piece in pieces]
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
        self._prepare(module)
        if any(piece.decorated for piece in pieces):
            self.with_stars.append(module)
        text = self._source(module).text
        if "__init_subclass__" in text or "metaclass=" in text:
            self.with_hooks |= {module.name.partition(".")[0]}
        for piece, body in zip(pieces, parsed):
            if body is not None:
                self._run_statements(module, body)
            elif piece.name == "_" or piece.name in module.namespace or self.registers_elsewhere(module, piece):
                # Registered with something and never looked up, or perhaps made of what the name stood for: ``class A(A)``.
                self._run_statements(module, piece.parse())
            else:
                module.namespace[piece.name] = Lazy(module, piece.name, piece)
        self._has_run(module)
        return True

    def run_top_level(self, module: ModuleObject, body: list[ast.stmt]) -> None:
        """Run the statements of a module in its namespace."""
        self._prepare(module)
        self._run_statements(module, body)
        self._has_run(module)

    def _has_run(self, module: ModuleObject) -> None:
        module.state = "done"
        self.bindings += 1

    def _prepare(self, module: ModuleObject) -> None:
        space = module.namespace
        space.setdefault("__name__", module.name)
        space.setdefault("__file__", module.path)
        space.setdefault("__doc__", None)
        space.setdefault("__spec__", Unknown("a module's import specification"))
        space.setdefault("__package__", module.name if module.is_package else module.name.rpartition(".")[0])
        if module.is_torch:
            self.inject(module)

    def _run_statements(self, module: ModuleObject, body: list[ast.stmt]) -> None:
        """Run a part of a module's top level, which lasts: sizes it makes up are none that an attempt may make up again."""
        if dims.drawn() < 0:  # on behalf of another top level
            self._run_top_level(module, body)
            return
        with dims.drawn_from(self.top_drawn):
            try:
                self._run_top_level(module, body)
            finally:
                self.top_drawn = dims.drawn()

    def _run_top_level(self, module: ModuleObject, body: list[ast.stmt]) -> None:
        if module.state != "running":
            self.bindings += 1
        frame = Frame(module, module.namespace, None, self.frame, "<module>")
        caller, self.frame = self.frame, frame
        journals, self.journals = self.journals, []
        branches, self.branches = self.branches, 0
        undo = self.undo
        self.undo = self.top_touched if undo is not None else None  # it stays done, whoever asked for the module
        run_late, self.run_late = self.run_late, self.following
        ran, self.ran = self.ran, self.top_ran
        written, self.written = self.written, None  # nor has the call left it behind that asked for the module
        self.top_runs += 1
        trying, self.trying = self.trying, 0
        handled, self.handled = self.handled, None
        modules, self.recorder.modules = self.recorder.modules, []
        try:
            for statement in body:
                try:
                    self.run_block(self._without_stand_in(module, statement, frame), frame)
                except PyRaise as raised:
                    self.top_level_error(module, statement, raised)
                except UnknownIteration as lost:
                    self.frame = frame
                    self._top_level_unknown(module, statement, lost.unknown)
                except RecursionError:
                    self.frame = frame
                    self.top_level_error(module, statement, PyRaise(RecursionError("nested too deeply")))
                except Exception as error:  # our own fault: it costs this statement only
                    self.frame = frame
                    self._top_level_unknown(module, statement, self.internal_error(error, statement))
        finally:
            self.frame = caller
            self.journals = journals
            self.branches = branches
            self.undo = undo
            self.run_late = run_late
            self.ran = ran
            self.written = written
            self.trying = trying
            self.handled = handled
            self.recorder.modules = modules

    def _without_stand_in(self, module: ModuleObject, statement: ast.stmt, frame: Frame) -> list[ast.stmt]:
        """A statement at the top level, as far as it has to run: see :mod:`ane_lsp.syntax.stand_ins`."""
        if isinstance(statement, ast.If) and _is_type_checking(statement.test):
            module.deferred.append(statement)
            if module.path not in self.watched and self.eval(statement.test, frame) is False:
                return without_stand_in(statement, self._source(module).pieces)
        return [statement]

    def top_level_error(self, module: ModuleObject, statement: ast.stmt, raised: PyRaise) -> None:
        """A top-level statement raised; what it would have bound is unknown."""
        if raised.within is None and module.path in self.watched:
            raised.within = self.span(self.frame.node if self.frame.node is not None else statement)
        if self.on_top_level_error is not None:
            self.on_top_level_error(module, statement, raised)
        reason = f"line {statement.lineno} of {module.name} raised {self.describe(raised.value)}"
        self._top_level_unknown(module, statement, Unknown(reason, raised.span))

    def _top_level_unknown(self, module: ModuleObject, statement: ast.stmt, value: Unknown) -> None:
        if isinstance(statement, (ast.Assign, ast.AnnAssign)):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    module.namespace.setdefault(target.id, value)
        elif isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
            module.namespace.setdefault(statement.name, value)

    def describe(self, value: Any) -> str:
        """An exception in a few words."""
        if isinstance(value, BaseException):
            known = not any(isinstance(arg, Unknown) for arg in value.args)
            return f"{type(value).__name__}: {value if known else 'its text is not known'}"
        return self.type_name(value)

    def inject(self, module: ModuleObject) -> None:
        raise NotImplementedError

    def registers_elsewhere(self, module: ModuleObject, piece: Piece) -> bool:
        raise NotImplementedError
