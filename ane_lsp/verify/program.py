"""A converted program, as the worker describes it, as a :class:`Graph`: the same type that the source analysis makes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ane_lsp.graph import Call, Graph, Op, Span, TensorType, Value
from ane_lsp.graph.dims import symbol
from ane_lsp.graph.ir import ValueOrigin

NOWHERE = Span("", 1, 0, 1, 0)
_ATEN = re.compile(r"^(?:aten|torchvision|prims)(?:::|\.)(?P<name>\w+?)_?(?:\.\w+)?$")


class Places:
    """Source expressions of the lines that a converter names: those that the source analysis followed, else the whole line."""

    def __init__(self, graphs: Iterable[Graph], line_text: Callable[[str, int], str]) -> None:
        self._line_text = line_text
        self._real: dict[str, str] = {}
        self._calls: dict[tuple[str, int], list[tuple[Call, frozenset[str]]]] = {}
        for graph in graphs:
            kinds: dict[int, set[str]] = {}
            for op in graph.ops:
                kinds.setdefault(op.call.id, set()).add(op.kind)
            for call in graph.calls:
                for line in range(call.span.line, min(call.span.end_line, call.span.line + 40) + 1):
                    key = (self.real(call.span.file), line)
                    self._calls.setdefault(key, []).append((call, frozenset(kinds.get(call.id, ()))))

    def real(self, file: str) -> str:
        """One name for a file, however it is reached."""
        if file not in self._real:
            self._real[file] = os.path.realpath(file)
        return self._real[file]

    def find(self, file: str, line: int, kind: str, torch: str) -> tuple[Span, str]:
        """The span of an operation on a line, and the public name of the torch call where it is known."""
        known = self._calls.get((self.real(file), line), ())
        name = _plain(torch)
        fitting = [c for c, kinds in known if kind in kinds] or [
            c for c, _ in known if name and name == c.torch.rsplit(".", 1)[-1].strip("_").lower()
        ]
        spans = {c.span for c in fitting}
        if len(spans) == 1:
            return fitting[0].span, fitting[0].torch
        if spans:  # several on one line: the first that starts there
            best = min(spans, key=lambda s: (s.line != line, s.col))
            return best, next(c.torch for c in fitting if c.span == best)
        text = self._line_text(file, line)
        indent = len(text) - len(text.lstrip())
        end = len(text.rstrip().encode("utf-8", "replace"))
        return Span(file, line, indent, line, max(end, indent)), f"torch.{name}" if name else torch


def _plain(torch: str) -> str:
    """``aten.conv2d.default`` and ``conv2d`` as ``conv2d``."""
    found = _ATEN.match(torch)
    return found["name"].lower() if found else torch.rsplit(".", 1)[-1].strip("_").lower()


def to_graph(data: Mapping[str, Any], name: str, places: Places) -> Graph:
    """The program as a graph. Operations without a source line stand at :data:`NOWHERE`."""
    graph = Graph(name=name, source="coreml")
    made: dict[str, Value] = {}
    described = data["values"]
    folded: set[str] = set()

    def value(key: str, producer: int | None = None) -> Value:
        if key not in made:
            about = described[key]
            shape = about["shape"]
            sizes = None if shape is None else tuple(d if isinstance(d, int) else symbol(str(d)) for d in shape)
            contents = tuple(about["data"]) if about.get("data") is not None else None
            origin: ValueOrigin = about["origin"] if producer is None else "op"
            kind = TensorType(sizes, about["dtype"], contents)
            made[key] = Value(len(made), kind, origin, key, producer, key in folded)
        return made[key]

    graph.inputs = [value(key) for key in data["inputs"]]
    for row in data["ops"]:
        index = len(graph.ops)
        if row["kind"].startswith("constexpr_"):
            folded.update(row["outputs"])
        operands = {
            key: tuple(value(k) for k in given) if isinstance(given, list) else value(given)
            for key, given in row["inputs"].items()
        }
        outputs = tuple(value(key, index) for key in row["outputs"])
        call = _call(row, index, places)
        attrs = {key: _attribute(given) for key, given in row["attrs"].items()}
        graph.ops.append(Op(index, row["kind"], operands, attrs, outputs, call))
        graph.calls.append(call)
    graph.outputs = [made[key] for key in data["outputs"] if key in made]
    return graph


def _attribute(given: Any) -> Any:
    return tuple(_attribute(v) for v in given) if isinstance(given, list) else given


def _call(row: Mapping[str, Any], index: int, places: Places) -> Call:
    span, torch = NOWHERE, f"coreml.{row['kind']}"
    if row.get("file"):
        span, torch = places.find(row["file"], row["line"], row["kind"], row.get("torch", ""))
    stack = tuple(places.find(file, line, "", "")[0] for file, line, _ in row.get("stack", ())[-3:])
    return Call(index, torch, "function", span, row.get("fn", ""), row.get("module", ""), (), {}, {}, None, stack=stack)
