"""Runs the same functions in the interpreter and in Python and compares what they return or raise."""

from __future__ import annotations

import sys
import textwrap
import types
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ane_lsp.graph import Unknown
from ane_lsp.interp.frames import UnknownIteration
from ane_lsp.interp.run import deep, load_file, start
from ane_lsp.interp.support import DictView
from ane_lsp.interp.values import Instance, IteratorObject, OneOf, PyRaise
from ane_lsp.workspace import Workspace

Outcome = tuple[str, Any]


def normal(value: Any) -> Any:
    """A value as plain data that both sides can be brought to."""
    if isinstance(value, Instance) and value.data is not None:
        return normal(value.data)
    if isinstance(value, DictView):
        return [normal(v) for v in value.items]
    if type(value).__name__ in ("dict_keys", "dict_values", "dict_items"):
        return [normal(v) for v in value]
    if isinstance(value, dict):
        return {normal(k): normal(v) for k, v in value.items()}
    if isinstance(value, (tuple, list, deque)):
        made = [normal(v) for v in value]
        return tuple(made) if isinstance(value, tuple) else made
    if isinstance(value, (set, frozenset)):
        return frozenset(normal(v) for v in value)
    if isinstance(value, PurePosixPath):
        return str(value)
    if isinstance(value, float) and value != value:
        return "nan"
    if isinstance(value, (str, int, float)) and type(value) not in (str, int, float, bool):
        return next(kind(value) for kind in (str, int, float) if isinstance(value, kind))
    return value


def same(left: Any, right: Any) -> bool:
    """Equal in value and in type, all the way down."""
    if type(left) is not type(right):
        return False
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(same(a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[k], right[k]) for k in left)
    return bool(left == right)


def interpreted(path: Path, source: str, names: Sequence[str]) -> list[Outcome]:
    """What the interpreter makes of calling each function of `source`."""
    interp = start(Workspace(path.parent, overlays={path: source}))

    def work() -> list[Outcome]:
        module = load_file(interp, path, as_main=False)
        assert module is not None, "the cases do not parse"
        found: list[Outcome] = []
        for name in names:
            try:
                value = interp.call(module.namespace[name], (), {})
                if isinstance(value, IteratorObject):
                    value = list(value.source)
            except PyRaise as error:
                kind = error.value.cls.name if isinstance(error.value, Instance) else type(error.value).__name__
                found.append(("raised", kind))
            except UnknownIteration as lost:
                found.append(("unknown", lost.unknown.reason))
            else:
                unknown = first_unknown(value)
                found.append(("unknown", unknown) if unknown else ("value", normal(value)))
        return found

    return deep(work)


def first_unknown(value: Any, depth: int = 0) -> str:
    if isinstance(value, (Unknown, OneOf)):
        return value.reason if isinstance(value, Unknown) else "one of several"
    if depth < 8 and isinstance(value, (list, tuple, set, deque)):
        return next((r for r in (first_unknown(v, depth + 1) for v in value) if r), "")
    if depth < 8 and isinstance(value, dict):
        return next((r for r in (first_unknown(v, depth + 1) for v in value.values()) if r), "")
    return ""


def executed(source: str, names: Sequence[str]) -> list[Outcome]:
    """What Python makes of it."""
    module = types.ModuleType("cases")  # dataclasses looks its class's module up
    sys.modules["cases"] = module
    space = vars(module)
    exec(compile(source, "<cases>", "exec"), space)
    found: list[Outcome] = []
    for name in names:
        try:
            value = space[name]()
            if hasattr(value, "__next__"):
                value = list(value)
        except Exception as error:
            found.append(("raised", type(error).__name__))
        else:
            found.append(("value", normal(value)))
    return found


def function(name: str, body: str) -> str:
    """The source of a function with this body; a body of one expression is returned."""
    text = textwrap.dedent(body).strip("\n")
    try:
        compile(text, "<case>", "eval")
        text = f"return {text.strip()}"
    except SyntaxError:
        pass
    return f"def {name}():\n{textwrap.indent(text, '    ')}\n"


def disagreements(tmp_path: Path, bodies: Sequence[str], header: str = "") -> tuple[list[str], list[str]]:
    """Descriptions of the bodies on which both differ, and of those that are unknown to the interpreter."""
    names = [f"case_{i}" for i in range(len(bodies))]
    source = header + "\n" + "\n".join(function(n, b) for n, b in zip(names, bodies, strict=True))
    ours = interpreted(tmp_path / "cases.py", source, names)
    theirs = executed(source, names)
    wrong, unknown = [], []
    for body, mine, real in zip(bodies, ours, theirs, strict=True):
        if mine[0] == "unknown":
            unknown.append(f"{body.strip()}\n    unknown: {mine[1]}")
        elif mine[0] != real[0] or not same(mine[1], real[1]):
            wrong.append(f"{body.strip()}\n    python: {real}\n    here:   {mine}")
    return wrong, unknown


def check(tmp_path: Path, bodies: Sequence[str], header: str = "", unknown: int = 0) -> None:
    """Fail where the interpreter differs from Python, or knows less than `unknown` allows."""
    wrong, lost = disagreements(tmp_path, bodies, header)
    assert not wrong, "\n" + "\n".join(wrong)
    assert len(lost) <= unknown, "\n" + "\n".join(lost)


Check = Callable[..., None]
