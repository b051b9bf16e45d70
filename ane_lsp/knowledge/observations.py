"""Where Core ML said it would run an operation, as people send it in: ``rules/facts/observations.csv``.

An evidence file (``ane-lsp verify --contribute``) is checked here, becomes rows of that table, and is held against what the
facts say. Rows are raw observations; a fact in ``ane-ops.csv`` may name them as its source.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ane_lsp.graph import Call, Op, Span, TensorType, Value
from ane_lsp.graph.records import dataclass
from ane_lsp.knowledge import eligibility, tables, targets
from ane_lsp.knowledge.files import KnowledgeError

VERSION = 1
TABLE = "observations.csv"
COLUMNS = (
    "op", "inputs", "attrs", "outputs", "preferred", "supported", "count", "confidence", "chip", "os", "coremltools",
    "deployment_target", "source",
)  # fmt: skip
UNITS = ("ANE", "CPU", "GPU")
_WORD = re.compile(r"[a-z][a-z0-9_]*")
_TENSOR = re.compile(r"(?P<shape>scalar|\d+(?:x\d+)*):(?P<dtype>f16|f32|i8|i16|i32|u8|u16|b8)(?P<const> constant)?")
_OS = re.compile(r"macOS \d+(?:\.\d+){0,2}")
_HEAD = ("chip", "os", "coremltools", "deployment_target")


@dataclass(frozen=True, slots=True)
class Observation:
    """One operation and where Core ML would run it. inputs: parameter to ``1x64x32x32:f16`` (lists for several), with
    `` constant`` behind weights. outputs: the same. attrs: numbers and words. count: how often the program has it."""

    op: str
    inputs: Mapping[str, Any]
    attrs: Mapping[str, Any]
    outputs: Sequence[str]
    preferred: str
    supported: Sequence[str]
    count: int
    chip: str
    os: str
    coremltools: str
    deployment_target: str


def read(file: str, text: str) -> tuple[Observation, ...]:
    """The observations of an evidence file. Raises KnowledgeError naming what is wrong."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise KnowledgeError(
            file, getattr(error, "lineno", 1), getattr(error, "colno", 1), f"not JSON: {error}"
        ) from None

    def fail(message: str) -> KnowledgeError:
        return KnowledgeError(file, 1, 1, message)

    if not isinstance(data, dict) or data.get("kind") != "ane-lsp evidence" or data.get("version") != VERSION:
        raise fail(f'an evidence file has "kind": "ane-lsp evidence" and "version": {VERSION}')
    head = {key: data.get(key) for key in _HEAD}
    for key, value in head.items():
        if not isinstance(value, str) or not value:
            raise fail(f"`{key}` is missing")
    try:
        targets.resolve(str(head["chip"]))
    except targets.TargetError as error:
        raise fail(f"`chip`: {error}") from None
    if not _OS.fullmatch(str(head["os"])):
        raise fail(f"`os`: {head['os']!r} is not a version such as macOS 26.1")
    rows = data.get("rows")
    if not isinstance(rows, list) or not rows:
        raise fail("`rows` is missing or empty")
    return tuple(_row(row, number, head, fail) for number, row in enumerate(rows, 1))


def _row(row: Any, number: int, head: Mapping[str, Any], fail: Any) -> Observation:
    if not isinstance(row, dict) or set(row) != {"op", "inputs", "attrs", "outputs", "preferred", "supported", "count"}:
        raise fail(f"row {number}: has op, inputs, attrs, outputs, preferred, supported and count, and nothing else")
    if not isinstance(row["op"], str) or not _WORD.fullmatch(row["op"]):
        raise fail(f"row {number}: `op` is not the name of an operation")
    if (
        not isinstance(row["inputs"], dict)
        or not isinstance(row["attrs"], dict)
        or not isinstance(row["outputs"], list)
    ):
        raise fail(f"row {number}: `inputs` and `attrs` are objects, `outputs` is a list")
    for name, given in row["inputs"].items():
        for one in given if isinstance(given, list) else [given]:
            if not _WORD.fullmatch(name) or not isinstance(one, str) or not _TENSOR.fullmatch(one):
                raise fail(f"row {number}: input {name!r} is not a tensor such as 1x64x32x32:f16")
    for one in row["outputs"]:
        if not isinstance(one, str) or not _TENSOR.fullmatch(one):
            raise fail(f"row {number}: output {one!r} is not a tensor such as 1x64x32x32:f16")
    for name, given in row["attrs"].items():
        if not _WORD.fullmatch(name) or not _plain(given):
            raise fail(f"row {number}: attribute {name!r} is not a number, a word or a list of them")
    supported = row["supported"]
    if not isinstance(supported, list) or not supported or any(unit not in UNITS for unit in supported):
        raise fail(f"row {number}: `supported` lists some of {', '.join(UNITS)}")
    if row["preferred"] not in supported:
        raise fail(f"row {number}: `preferred` is one of `supported`")
    if not isinstance(row["count"], int) or isinstance(row["count"], bool) or row["count"] < 1:
        raise fail(f"row {number}: `count` is a whole number from 1")
    return Observation(**row, **head)


def _plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(_plain(one) for one in value)
    return value is None or isinstance(value, (bool, int, float)) or (isinstance(value, str) and value.isidentifier())


def table() -> tuple[Observation, ...]:
    """Every observation that was sent in. Raises KnowledgeError for a wrong row."""
    found = []
    for row in tables.load(TABLE, COLUMNS, COLUMNS):
        row.choice("confidence", ("measured",))
        try:
            cells = {key: json.loads(row[key]) for key in ("inputs", "attrs", "outputs")}
        except ValueError:
            raise row.fail("inputs", "this cell, `attrs` and `outputs` are JSON") from None
        given = {"op": row["op"], **cells, "preferred": row["preferred"], "supported": list(row.items("supported"))}
        given["count"] = row.integer("count")

        def fail(message: str, row: tables.Row = row) -> KnowledgeError:
            return row.fail("op", message)

        found.append(_row(given, row.line, {key: row[key] for key in _HEAD}, fail))
    return tuple(found)


def to_csv(observations: Sequence[Observation], source: str) -> str:
    """Rows for the table, without its header."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for one in observations:
        cells = [json.dumps(value, sort_keys=True) for value in (one.inputs, one.attrs, list(one.outputs))]
        writer.writerow([
            one.op, *cells, one.preferred, ";".join(one.supported), one.count, "measured", one.chip, one.os, one.coremltools,
            one.deployment_target, source,
        ])  # fmt: skip
    return out.getvalue()


def contradictions(observations: Sequence[Observation]) -> Iterator[tuple[Observation, eligibility.Verdict]]:
    """Observations that say otherwise than the facts about whether the Neural Engine may run the operation."""
    for one in observations:
        verdict = eligibility.op(_op(one), targets.resolve(one.chip)[0])
        if verdict.ane in ("yes", "no") and (verdict.ane == "yes") != ("ANE" in one.supported):
            yield one, verdict


def _op(one: Observation) -> Op:
    """The observation as an operation of a graph."""
    count = 0

    def value(text: str, made: bool = False) -> Value:
        nonlocal count
        match = _TENSOR.fullmatch(text)
        assert match is not None  # checked when it was read
        shape = () if match["shape"] == "scalar" else tuple(int(size) for size in match["shape"].split("x"))
        origin = "op" if made else "constant" if match["const"] else "input"
        count += 1
        return Value(count, TensorType(shape, match["dtype"]), origin)  # type: ignore[arg-type]

    inputs = {k: tuple(value(v) for v in g) if isinstance(g, list) else value(g) for k, g in one.inputs.items()}
    attrs = {k: tuple(v) if isinstance(v, list) else v for k, v in one.attrs.items()}
    call = Call(0, f"coreml.{one.op}", "function", Span("", 1, 0, 1, 0), "", "", (), {}, {}, None)
    return Op(0, one.op, inputs, attrs, tuple(value(v, made=True) for v in one.outputs), call)
