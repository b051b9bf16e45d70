"""``ane-lsp trace``: every distinct torch operation a file reaches, as a table or as JSON lines."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ane_lsp.cli.errors import CLEAN, FAILED, UsageError
from ane_lsp.cli.options import (
    add_color_option,
    add_project_options,
    add_target_options,
    open_projects,
    project_arguments,
    to_utf8,
    wants_color,
)
from ane_lsp.report.terminal import Painter, printable, width
from ane_lsp.stored import ResultCache
from ane_lsp.syntax.inputs import InputError, InputSpec, parse_inputs
from ane_lsp.syntax.positions import utf8_to_code_points
from ane_lsp.workspace.settings import Settings
from ane_lsp.workspace.workspace import Workspace, absolute

Row = Mapping[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``trace``."""
    parser.add_argument(
        "file", type=Path, metavar="FILE", nargs="?", help="interpreted as a script (nothing of it is run)"
    )
    parser.add_argument(
        "--why", metavar="FILE:LINE", help="say why values at a line are unknown, back to the first unknown"
    )
    parser.add_argument("--entry", metavar="NAME", help="build NAME, a class or factory, and call it on the inputs")
    parser.add_argument(
        "--input", action="append", metavar="SHAPE",
        help="an input of the entry: 1x3x224x224, 1x16:i64, mask=1x16:b8; repeatable, in order",
    )  # fmt: skip
    parser.add_argument(
        "--format", choices=("text", "jsonl"), default="text", help="a table, or one JSON object a line"
    )
    add_color_option(parser)
    add_target_options(parser)
    add_project_options(parser)
    parser.add_argument("--no-cache", action="store_true", help="do not use or keep results of earlier runs")
    parser.add_argument("--budget", type=float, metavar="SECONDS", help="stop after this time (default: 20)")


def run(args: argparse.Namespace) -> int:
    """Print the operations. Exit 0 also where parts are unknown; 2 where the file cannot be read or parsed."""
    to_utf8(sys.stdout)
    asked = _why_line(args)
    if args.file is None:
        raise UsageError("name a FILE, or --why FILE:LINE")
    if not args.file.is_file():
        raise UsageError(f"no such file: {args.file}")
    projects = open_projects(project_arguments(args))
    path = absolute(args.file)
    workspace = projects.workspace(path)
    if workspace.problem:
        raise UsageError(workspace.problem)
    source = workspace.read(path)
    if source.problem is not None:
        span = source.problem.span
        column = utf8_to_code_points(source.lines.line(span.line), span.col) + 1
        raise UsageError(f"{args.file}:{span.line}:{column}: {source.problem.message}")
    inputs = read_inputs(args.input or ())
    settings = projects.settings(path)
    if asked is not None:
        return _print_why(path, asked, workspace, settings, args.entry, inputs)
    store = ResultCache.open() if not args.no_cache else None
    key = store.key(path, settings, workspace, f"trace {args.entry} {inputs}") if store is not None else ""
    rows = store.load_plain(key) if store is not None else None
    if rows is None:
        from ane_lsp import analysis

        with workspace.track() as used:
            traced = analysis.trace(path, workspace, settings, entry=args.entry, inputs=inputs)
        rows = [*traced.rows, traced.summary]
        if store is not None and not traced.summary["summary"].get("stopped"):
            store.save_plain(key, json.loads(json.dumps(rows, default=str)), used)
    lines = jsonl(rows) if args.format == "jsonl" else table(rows, Painter(wants_color(args.color, sys.stdout)))
    for line in lines:
        print(line)
    return FAILED if rows[-1]["summary"].get("stopped") == "internal" else CLEAN


def _why_line(args: argparse.Namespace) -> int | None:
    """The line ``--why`` asks about; the file it names stands in for FILE. Raises UsageError."""
    if args.why is None:
        return None
    name, _, number = args.why.rpartition(":")
    if not number.isdigit():
        raise UsageError(f"--why: expected FILE:LINE, got {args.why}")
    if args.file is None and name:
        args.file = Path(name)
    elif name and absolute(Path(name)) != absolute(args.file):
        raise UsageError("--why: name a line of the traced file")
    return int(number)


def _print_why(
    path: Path, line: int, workspace: Workspace, settings: Settings, entry: str | None, inputs: tuple[InputSpec, ...]
) -> int:
    from ane_lsp import analysis

    chains, assumed = analysis.why(path, line, workspace, settings, entry=entry, inputs=inputs)
    if not chains:
        print(f"line {line}: nothing there is unknown, as far as it was reached")
    for chain in chains:
        for depth, step in enumerate(chain):
            print("  " * depth + ("<- " if depth else "") + printable(step))
    for text in assumed:
        print(f"assumed: {printable(text)}")
    return CLEAN


def read_inputs(texts: Iterable[str]) -> tuple[InputSpec, ...]:
    """The ``--input`` options in order. Raises UsageError."""
    try:
        return parse_inputs(",".join(texts))
    except InputError as error:
        raise UsageError(f"--input: {error}") from None


def jsonl(rows: Iterable[Row]) -> Iterator[str]:
    """Rows as compact JSON, the summary last."""
    for row in rows:
        yield json.dumps(row, separators=(",", ":"), ensure_ascii=True)


def table(rows: Iterable[Row], paint: Painter) -> Iterator[str]:
    """Rows grouped by file and function, aligned, with a closing line."""
    listed = [row for row in rows if "summary" not in row]
    shown = [(f"{row['line']}:{row['col'] + 1}", _operation(row), _flow(row), _tail(row)) for row in listed]
    widths = [min(max((width(row[column]) for row in shown), default=0), limit) for column, limit in ((0, 12), (1, 60))]
    group: tuple[str, str] | None = None
    for row, (place, operation, flow, tail) in zip(listed, shown, strict=True):
        if (row["file"], row["fn"]) != group:
            if group is not None:
                yield ""
            group = (row["file"], row["fn"])
            yield f"{paint('bold', printable(row['fn']))}  {paint('dim', printable(row['file']))}"
        yield (
            f"  {paint('dim', _pad(place, widths[0]))}  {_pad(operation, widths[1])}  {flow}"
            + (f"  {paint('dim', tail)}" if tail else "")
        )
    for row in rows:
        if "summary" in row:
            yield from _summary(row["summary"], paint)


def _pad(text: str, columns: int) -> str:
    return text + " " * max(0, columns - width(text))


def _operation(row: Row) -> str:
    name = str(row["op"]).removeprefix("torch.nn.functional.").removeprefix("torch.")
    hyper = row.get("hyper") or {}
    telling = ((key, _value(hyper[key])) for key in _TELLING if key in hyper)
    shown = ", ".join(f"{key}={value}" for key, value in telling if value != _USUAL.get(key))
    return printable(f"{name}({shown})" if shown else name)


_TELLING = (
    "kernel_size", "stride", "padding", "dilation", "groups", "out_channels", "out_features", "normalized_shape",
    "hidden_size", "num_heads", "embedding_dim", "dim", "output_size", "scale_factor",
)  # fmt: skip
_LISTED = 8
_USUAL = {"stride": "1", "padding": "0", "dilation": "1", "groups": "1"}


def _value(value: Any) -> str:
    if isinstance(value, list) and value and all(item == value[0] for item in value):
        return str(value[0])
    return "x".join(map(str, value)) if isinstance(value, list) else str(value)


def _flow(row: Row) -> str:
    inputs = ", ".join(_tensor(tensor) for tensor in row.get("in") or ())
    return printable(f"{inputs} -> {_tensor(row.get('out'))}" if inputs else f"-> {_tensor(row.get('out'))}")


def _tensor(value: Any) -> str:
    if isinstance(value, Mapping) and "t" in value:
        shape = "?" if value["t"] is None else "[" + ", ".join(map(str, value["t"])) + "]"
        dtype = value.get("d")
        return shape + ("" if dtype == "f32" else f" {dtype or '?'}")
    if isinstance(value, (list, tuple)):
        return "(" + ", ".join(map(_tensor, value)) + ")"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_tensor(item)}" for key, item in value.items()) + "}"
    return str(value)


def _tail(row: Row) -> str:
    parts = []
    mil = row.get("mil") or []
    own = str(row["op"]).rsplit(".", 1)[-1].lower()
    if mil and mil != [own]:
        parts.append("= " + " + ".join(mil))
    if row.get("n", 1) > 1:
        parts.append(f"x{row['n']}")
    within = [path for path in row.get("within") or () if path]
    if within:
        parts.append("in " + ", ".join(within[:2]) + (f" and {len(within) - 2} more" if len(within) > 2 else ""))
    return printable("  ".join(parts))


def _summary(summary: Mapping[str, Any], paint: Painter) -> Iterator[str]:
    yield ""
    line = f"{summary.get('ops', 0)} operations"
    if summary.get("unknown_shapes"):
        line += f", {summary['unknown_shapes']} of unknown shape"
    if summary.get("stopped"):
        line += f", stopped early ({summary['stopped']})"
    yield paint("bold", f"{line}, {summary.get('seconds', 0):.2f} s")
    for key, label in (
        ("unresolved_calls", "not resolved"),
        ("errors", "would fail"),
        ("assumed", "assumed"),
        ("internal_errors", "internal error"),
    ):
        listed = summary.get(key) or []
        yield from (f"  {label}: {printable(str(text))}" for text in listed[:_LISTED])
        if len(listed) > _LISTED:
            yield f"  {label}: {len(listed) - _LISTED} more"
