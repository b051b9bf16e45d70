"""Registries that modules fill while they are imported, and what has to run although nobody asks for a name of it.

Imports and definitions are lazy here. A module that registers its functions when imported may not have run when its
registry is asked: a look-up that misses runs what the registry's package holds back. What registers with another package, and
modules of the project that are imported for nothing but their effects, run at once.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from ane_lsp.interp.base import CHANGING
from ane_lsp.interp.frames import Frame
from ane_lsp.interp.imports import STDLIB, Imports, is_stub, mentioned
from ane_lsp.interp.values import MISSING, ClassObject, Function, Instance, Lazy, ModuleObject
from ane_lsp.syntax.exchange import walked
from ane_lsp.syntax.moving import bound_names
from ane_lsp.syntax.outline import Piece, words

_DECORATOR = re.compile(r"^@[ \t]*(\w+)", re.M)
_IMPORT = re.compile(r"^(?:from[ \t]+[\w.]+[ \t]+)?import\b(?:[^\n(\\]*\([^)]*\)|(?:[^\n\\]|\\\n)*)", re.M)
_BEFORE_NAME = re.compile(r"""(?:\b(?:class|def)[ \t]+|(?:[(\[]|\bname[ \t]*=)\s*["'])$""")
_BEHIND_NAME = "\"'(:"
_NEAR = 40  # so far in front of a name its keyword or the bracket that it stands in is looked for
_READING = frozenset({"get", "keys", "values", "items"})


@lru_cache(maxsize=64)
def _used_words(text: str) -> frozenset[str]:
    """The words of a file outside its import statements at the top level."""
    return frozenset(words(_IMPORT.sub("", text)))


def _names_of(module: ModuleObject, container: Any) -> frozenset[str]:
    """The names at the top level of a module for a dict, or for a tuple or list that holds it."""
    return frozenset(
        name
        for name, value in module.namespace.items()
        if value is container or (type(value) in (tuple, list) and any(item is container for item in value))
    )


def _loop_variables(statements: list[ast.stmt]) -> frozenset[str]:
    """The names that only loops at the top level of a file bind: nobody imports those."""
    loops = {n.id for s in statements if isinstance(s, ast.For) for n in ast.walk(s.target) if isinstance(n, ast.Name)}
    return frozenset(loops.difference(*(bound_names(s) for s in statements if not isinstance(s, ast.For))))


def _only_read(statements: Iterable[ast.stmt], names: frozenset[str]) -> bool:
    """Whether functions and classes among these use the names for nothing but ``in``, look-ups and reading methods."""
    reads: set[int] = set()
    uses: set[int] = set()
    for definition in statements:
        if not isinstance(definition, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        for node in ast.walk(definition):
            if isinstance(node, ast.Name) and node.id in names:
                uses.add(id(node))
            elif isinstance(node, ast.Compare) and all(isinstance(op, (ast.In, ast.NotIn)) for op in node.ops):
                reads.update(map(id, node.comparators))
            elif (isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load)) or (
                isinstance(node, ast.Attribute) and node.attr in _READING
            ):
                reads.add(id(node.value))
            elif isinstance(node, ast.Global) and names.intersection(node.names):
                return False
    return uses <= reads


def _holds(module: ModuleObject, container: Any) -> bool:
    """Whether a name of the module, or an attribute of a class or object it defines, is this very container."""
    wanted = id(container)  # compared as numbers, because map() over ids runs without an interpreted step for each name
    values = module.namespace.values()
    if wanted in map(id, values):
        return True
    for value in values:
        kind = value.__class__
        if (kind is ClassObject or kind is Instance) and wanted in map(id, _inside(value).values()):
            return True
    return False


def _inside(value: Any) -> dict[str, Any]:
    """The attributes of a class or object, in which registries are kept as well; nothing for other values."""
    if value.__class__ is ClassObject:
        return value.namespace
    return value.attrs if value.__class__ is Instance else _NOTHING


_NOTHING: dict[str, Any] = {}


def _top(module: ModuleObject) -> str:
    """The outermost package of a module."""
    return module.name.partition(".")[0]


def _may_register(word: str, text: str) -> bool:
    """Whether a text defines something of that name or gives it one: many more mention what they look up."""
    for form in {word, word.lower()}:
        at = text.find(form)
        while at >= 0:
            end = at + len(form)
            if text[end : end + 1] in _BEHIND_NAME and _BEFORE_NAME.search(text, max(0, at - _NEAR), at):
                return True
            at = text.find(form, end)
    return False


_MISSED = 4096  # look-ups that are remembered


def _holds_back(module: ModuleObject) -> bool:
    if any(star.state == "new" for star in module.stars):
        return True
    values = module.namespace.values()
    return Lazy in map(type, values) and any(
        v.__class__ is Lazy and (_imports_new(module, v) if v.piece is None else v.piece.decorated and not v.resolving)
        for v in values
    )


def _imports_new(package: ModuleObject, value: Lazy) -> bool:
    """Whether ``from .x import y`` in a package may have been written for what the module registers, which has not run yet."""
    source = value.module
    return package.is_package and (source is package or (source.state == "new" and _top(source) == _top(package)))


class Registries(Imports):
    # -- look-ups that missed ------------------------------------------------------------------------------------------

    def force_pending_imports(self, container: Any, key: Any = MISSING, needed: bool = True) -> bool:
        """A look-up of `key` in a module-level registry missed: run what the registry's package still holds back.

        Imports here are lazy, so a module that registers its functions when imported may not have run. What mentions the
        key runs first. The rest runs where that did not help: all of it where the miss is an error (`needed`), otherwise
        what may register a name that stands nowhere in its text. True where something new was run, so that the look-up is
        worth another try. A registry that did not have everything run for it gets the rest once it is iterated.
        """
        if self.forcing:  # a module that runs now looks itself up while it registers: nobody waits for the others
            return False
        if not needed and (self.decorating or self._gives(container, key)):  # whether its own name is taken
            return False
        if container is self.frame.extra:  # it came into being with this call: nobody registers with it
            return False
        asking = self.frame.module
        if asking.path is not None and is_stub(asking.path) and id(container) in map(id, asking.namespace.values()):
            return False  # a table of ours, such as that of all loggers
        if key.__class__ is not str:
            return self._force(container, key, needed)
        known = self.missed.get(id(container))  # which keeps it alive
        if known is not None and known[1].get((key, needed)) == self._held_back():
            return False  # nothing was held back that could have helped, and nothing has run since
        found = self._force(container, key, needed)
        if not found:
            if len(self.missed) >= _MISSED:
                self.missed.clear()
            self.missed.setdefault(id(container), (container, {}))[1][key, needed] = self._held_back()
        return found

    def _gives(self, container: Any, key: Any) -> bool:
        """Whether the running function was called while a module runs, and stores something under this key in this very container."""
        frame = self.frame
        if frame.code is None or self.innermost(lambda outer: outer.function == "<module>") is None:
            return False
        names, local = frame.module.namespace, frame.locals
        return any(
            isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)
            and isinstance(node.value, ast.Name) and names.get(node.value.id) is container
            and isinstance(node.slice, ast.Name) and local.get(node.slice.id) is key
            for node in walked(frame.code)
        )  # fmt: skip

    def named_again(self, values: Iterable[Any], names: dict[Any, Any]) -> None:
        """`values` stand in `names` from now on: where those are of a class or an object that a module has a name for, they may be
        registries."""
        if self._held is None and not self.missed:
            return
        owner = self._holders.get(id(names))
        for value in values:
            if isinstance(value, dict):
                if owner is not None and self._held is not None:
                    self._held[id(value)] = owner
                self.missed.pop(id(value), None)

    def _held_back(self) -> tuple[int, ...]:
        """Another number of names or modules means that there may be something else to run."""
        return self.bindings, len(self.modules), len(self.with_stars)

    def _force(self, container: Any, key: Any, needed: bool) -> bool:
        if self._held_back() != self._waiting_state:
            self.with_stars = [m for m in self.with_stars if m.state != "done" or _holds_back(m)]
            self._waiting = frozenset(_top(m) for m in self.with_stars if m.state == "done")
            self._waiting |= self._with_packages_left_out()
            self._waiting_state = self._held_back()
        tops = self._waiting | self.with_hooks
        owner = self._owner_of(container, tops) if tops else None
        if owner is None:
            return False
        top = _top(owner)
        if self._closed(owner, container, top):
            return False
        parts = owner.name.split(".")
        for count in range(1, len(parts)):  # whoever imports a module has run the packages it is in, here not yet
            package = self.find_module(".".join(parts[:count]), owner)
            if package is not None:
                self.run_module(package)
        self.forcing = True
        try:
            ran = False
            if isinstance(key, str) and key:
                ran = self._run_held_back(top, key)
                if key in container:
                    return True
                if needed and self._define_subclasses(key) and key in container:
                    return True
                if self._run_elsewhere(container, key) and key in container:
                    return True
                if not needed:
                    self.half_run[id(container)] = container
                    return self._run_held_back(top, key, computed=True) or ran
            self.half_run.pop(id(container), None)
            return self._run_held_back(top, None) or ran
        finally:
            self.forcing = False

    def _with_packages_left_out(self) -> set[str]:
        """The top names of packages that have not run although a module in them has been found."""
        inside = {m.name.rpartition(".")[0] or m.name for m in self.modules.values()}
        return {name.partition(".")[0] for name in inside if self._has_not_run(name)}

    def _has_not_run(self, name: str) -> bool:
        """Whether a package, or one that it is in, has not run."""
        package = self.modules.get(name)
        if package is None or package.state == "new":
            return True
        outer = name.rpartition(".")[0]
        return bool(outer) and self._has_not_run(outer)

    def _run_held_back(self, top: str, word: str | None, computed: bool = False) -> bool:
        """Run decorated definitions and what is imported for them in a package, with `word` only where the text mentions it.

        With `computed` also what may register names that its text does not hold.
        """

        def suits(module: ModuleObject, by_star: bool) -> bool:
            return word is None or self._mentions(module, word, computed, by_star)

        return self._run_where(lambda m: _top(m) == top, suits, word, computed)

    def _run_elsewhere(self, container: Any, word: str) -> bool:
        """Run what other packages may register under that name: they import the registry from one that has a name for it."""
        owners = {_top(m) for m in self.modules.values() if m.path is not None and _holds(m, container)}
        unfinished = {_top(m) for m in self.modules.values() if m.state == "running"}

        def suits(module: ModuleObject, by_star: bool) -> bool:
            text = self._source(module).text if module.path is not None else ""
            if not mentioned(word, text):
                return False
            return module.is_package or (
                _may_register(word, text) and any(_top(module) == top or top in text for top in owners)
            )

        return self._run_where(lambda m: _top(m) not in unfinished, suits, word)

    def _run_where(
        self,
        among: Callable[[ModuleObject], bool],
        suits: Callable[[ModuleObject, bool], bool],
        word: str | None,
        computed: bool = False,
    ) -> bool:
        seen: set[ModuleObject] = set()
        ran = False
        while True:  # what runs may hold back more
            waiting = [m for m in self.with_stars if m not in seen and m.state == "done" and among(m)]
            if not waiting:
                return ran
            seen.update(waiting)
            for module in waiting:
                ran |= self.define_all(module, True, word, computed)
                for found in self._brought_in(module):
                    if found.state == "new" and suits(found, found in module.stars):
                        self.run_module(found)
                        self.define_all(found, True, word, computed)
                        ran = True

    def _brought_in(self, module: ModuleObject) -> list[ModuleObject]:
        """What a module imports for the sake of what is registered there: with a star, and in a package also by name."""
        found = list(module.stars)
        for value in list(module.namespace.values()) if module.is_package else ():
            if value.__class__ is Lazy and value.piece is None and _imports_new(module, value):
                source = self._target(value)
                if source is not None and source not in found:
                    found.append(source)
        return found

    def _mentions(self, module: ModuleObject, word: str, computed: bool, by_star: bool) -> bool:
        if module.path is None:
            return False
        source = self._source(module)
        if source.imports_stars or (computed and source.computes_names):
            return True
        if module.is_package and "import" in source.text:  # of what it imports, one may
            return True
        return mentioned(word, source.text) if by_star else _may_register(word, source.text)

    def _define_subclasses(self, key: str) -> bool:
        """Run class definitions that name the key: their base or metaclass may register them by it."""
        ran = False
        for module in list(self.modules.values()):
            if module.state != "done" or module.is_torch or module.path is None or key not in self._source(module).text:
                continue
            for name, value in list(module.namespace.items()):
                if value.__class__ is not Lazy or value.piece is None or value.resolving:
                    continue
                text = value.piece.text
                if text.startswith("class ") and (name == key or f'"{key}"' in text or f"'{key}'" in text):
                    self._define(value, module.namespace, name)
                    ran = True
        return ran

    def _owner_of(self, container: Any, tops: frozenset[str]) -> ModuleObject | None:
        """The module of one of these packages that has a name for this very container.

        Not one that is still being defined: nobody can have registered with it.
        """
        known = self._owners.get(id(container))
        if known is not None and _top(known) in tops and _holds(known, container):
            return known
        owner = self._look_for_owner(container, tops)
        if owner is not None:
            self._owners[id(container)] = owner
        return owner

    def _look_for_owner(self, container: Any, tops: frozenset[str]) -> ModuleObject | None:
        state = (self.bindings, len(self.modules), tops)
        if state != self._held_state:
            self._held_state, self._held = state, None
        elif self._held is None:  # asked twice about the same names: worth an index
            self._held, self._holders = {}, {}
            for module in self._that_have_run(tops):
                for value in module.namespace.values():
                    kind = value.__class__
                    if kind is ClassObject or kind is Instance:
                        inside = _inside(value)
                        self._holders.setdefault(id(inside), module)
                        for one in inside.values():
                            if one.__class__ in CHANGING:
                                self._held.setdefault(id(one), module)
                    if kind in CHANGING:
                        self._held.setdefault(id(value), module)
        if self._held is not None:
            known = self._held.get(id(container))
            if known is None or _holds(known, container):
                return known
        owner = next((m for m in self._that_have_run(tops) if _holds(m, container)), None)
        if owner is None and self._held is not None:
            del self._held[id(container)]  # what had this identity is no more
        return owner

    def _closed(self, owner: ModuleObject, container: Any, top: str) -> bool:
        """Whether nothing that is held back can register with a dict: no function of a module that has a name for it does more
        than read it, and no other module of the package names it."""
        names = _names_of(owner, container)
        if not names:
            return False
        key = (owner.name, names)
        if key not in self.closed:
            self.closed[key] = {owner.path or ""} if self._reads_only(owner, names) else None
        seen = self.closed[key]
        if seen is None:
            return False
        fresh = [m for m in self.modules.values() if m.path and m.path not in seen and _top(m) == top]
        if fresh:
            wanted = names - _loop_variables(self._mentioning(owner, names) or [])
            for module in fresh:
                text = self._source(module).text
                if any(word in text for word in wanted):
                    own = _names_of(module, container)
                    if not own or not self._reads_only(module, own):
                        self.closed[key] = None
                        return False
                seen.add(module.path or "")
        return True

    def _reads_only(self, module: ModuleObject, names: frozenset[str]) -> bool:
        if module.path is None:
            return False
        known = self._source(module).only_read
        if names not in known:
            statements = self._mentioning(module, names)
            known[names] = statements is not None and _only_read(statements, names)
        return known[names]

    def still_only_read(self, functions: Iterable[ast.stmt]) -> bool:
        """Whether functions that say something else by now do no more than read the registries that nobody was found to fill."""
        names = [names for (_, names), seen in self.closed.items() if seen is not None]
        names += [own for source in self.sources.values() for own, only in source.only_read.items() if only]
        return not names or _only_read(functions, frozenset().union(*names))

    def _mentioning(self, module: ModuleObject, names: frozenset[str]) -> list[ast.stmt] | None:
        """What stands at the top level of a file, but for definitions that mention none of the names; None where it cannot be
        parsed."""
        pieces = self._source(module).pieces
        if pieces is not None:
            try:
                wanted = [p for p in pieces if not p.name or any(name in p.text for name in names)]
                return [statement for piece in wanted for statement in piece.parse()]
            except SyntaxError:  # cut in the wrong place
                pass
        tree = self.tree_of(module)
        return tree.body if tree is not None else None

    def _that_have_run(self, tops: frozenset[str]) -> list[ModuleObject]:
        return [m for m in self.modules.values() if m.state != "running" and _top(m) in tops]

    # -- what runs for its effects -------------------------------------------------------------------------------------

    def registers_elsewhere(self, module: ModuleObject, piece: Piece) -> bool:
        """Whether a decorator of a definition comes from another package read as source, with which it may register."""
        if not piece.decorated:
            return False
        own = _top(module)
        for root in _DECORATOR.findall(piece.text):
            value = module.namespace.get(root, MISSING)
            source = value.module if value.__class__ in (Lazy, Function, ClassObject) else value
            if not isinstance(source, ModuleObject) or source.is_torch or source.path is None:
                continue
            top = _top(source)
            if top != own and top not in STDLIB and not is_stub(source.path):
                return True
        return False

    def import_from(self, node: ast.ImportFrom, frame: Frame) -> None:
        """``from x import a``: run at once where it is a module of the project of which nothing is used afterwards."""
        super().import_from(node, frame)
        if frame.names is None and frame.module.is_package and frame.module not in self.with_stars:
            self.with_stars.append(frame.module)
        self._run_unused([alias.asname or alias.name for alias in node.names], frame)

    def import_name(self, name: str, alias: str | None, frame: Frame, node: ast.AST) -> None:
        """``import a.b``: run at once where it is a module of the project of which nothing is used afterwards."""
        super().import_name(name, alias, frame, node)
        self._run_unused([alias or name.partition(".")[0]], frame)

    def _run_unused(self, names: list[str], frame: Frame) -> None:
        module = frame.module
        if frame.names is not None or frame.class_body or module.is_package or not self._of_project(module):
            return
        if "*" in names and module.namespace.get("__name__") == "__main__":
            for star in module.stars:
                if star.state == "new" and self._of_project(star):  # it may register something with another package
                    self.run_module(star)
        for name in names:
            if name != "*" and name not in _used_words(self._source(module).text):
                self._run_with_imports(self._target(frame.module.namespace.get(name, MISSING)))

    def _run_with_imports(self, module: ModuleObject | None) -> None:
        """Run a module of the project and those of the project that it imports, however little of them is used."""
        waiting = [module]
        while waiting:
            module = waiting.pop()
            if module is None or module.state != "new" or not self._of_project(module):
                continue
            self.run_module(module)
            waiting += [self._target(value) for value in list(module.namespace.values())]
            waiting += module.stars

    def _target(self, value: Any) -> ModuleObject | None:
        """The module that a name bound by an import would run; None for other values."""
        if value.__class__ is not Lazy:
            return value if value.__class__ is ModuleObject else None
        if value.piece is not None:
            return None
        source: ModuleObject = value.module
        if source.state == "new" or not source.is_package or source.is_torch:
            return source
        return self.find_module(f"{source.name}.{value.attribute}", source)

    def _of_project(self, module: ModuleObject) -> bool:
        if module.path is None or module.is_torch or is_stub(module.path):
            return False
        return not any(module.path.startswith(f"{folder}/") for folder in self.workspace.environment.site_packages)
