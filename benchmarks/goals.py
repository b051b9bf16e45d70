"""What the figures of ``benchmarks.run`` have to reach, and how far they do: one table.

Works on the stored document alone, so that the documentation draws the same table as the command prints. A figure that was
not measured makes no line.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ane_lsp.server.session import DEBOUNCE

HERE = Path(__file__).resolve().parent
LONG = {"scaling": HERE / "scaling.jsonl", "many": HERE / "many.jsonl"}
"""What takes hours is measured by itself and kept here, one JSON object a line."""
ENOUGH = 1000
"""Files without which an exponent says nothing about a whole library."""
HEADER = ("goal", "measured", "beside it", "ratio", "met")


@dataclass(frozen=True)
class Line:
    """One line of the table. ratio: how often the peer's figure holds ours. met: None where nothing was promised."""

    goal: str
    ours: str
    peer: str = ""
    ratio: float | None = None
    met: bool | None = None

    def cells(self) -> list[str]:
        met = "" if self.met is None else "yes" if self.met else "**no**"
        return [self.goal, self.ours, self.peer, "" if self.ratio is None else f"{self.ratio:.1f}", met]


def lines(document: dict[str, Any], long: dict[str, list[dict[str, Any]]] | None = None) -> list[Line]:
    """Every goal that was measured. long: rows of :data:`LONG`; read from there where not given."""
    known = stored() if long is None else long
    parts: tuple[Callable[[], Iterator[Line]], ...] = (
        lambda: _edits(document.get("edits", [])),
        lambda: _open_file(document.get("warm", [])),
        lambda: _start(document.get("start", [])),
        lambda: _library(document.get("library", {})),
        lambda: _memory(document.get("memory", {}), known.get("many", [])),
        lambda: _scaling(known.get("scaling", [])),
    )
    return [line for part in parts for line in part()]


def stored() -> dict[str, list[dict[str, Any]]]:
    """The rows of the long runs."""
    return {
        name: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
        for name, path in LONG.items()
    }


def markdown(found: Sequence[Line]) -> str:
    """The table as Markdown."""
    rows = [HEADER, ["---"] * len(HEADER), *(line.cells() for line in found)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


_TEXT = {
    "comment": "a comment",
    "function": "a function that no model calls",
    "forward": "a statement more in a `forward`",
    "init": "a statement more in an `__init__`",
    "operation": "an operation more in a `forward`",
    "hyper": "a constructor's default",
}


def _edits(rows: list[dict[str, Any]]) -> Iterator[Line]:
    own = {(r["file"], r["kind"]): r for r in rows if r["server"] == "ane-lsp" and r["kind"] != "open"}
    peers = {(r["file"], r["kind"]): r for r in rows if r["server"] == "pyright"}
    for (file, kind), row in own.items():
        peer = peers.get((file, kind))
        ratio = peer["wall_p50"] / row["wall_p50"] if peer is not None else None
        yield Line(
            f"edit of {file}, {_TEXT.get(kind, kind)}: p50 <= 50 ms, p95 <= 120 ms, a tenth of pyright's",
            f"{row['wall_p50']:.0f} / {row['wall_p95']:.0f} ms; first told {row['first_p50']:.0f} / {row['first_p95']:.0f} ms",
            f"pyright {peer['wall_p50']:.0f} / {peer['wall_p95']:.0f} ms" if peer is not None else "",
            ratio,
            row["wall_p50"] <= 50 and row["wall_p95"] <= 120 and (ratio is None or ratio >= 10),
        )


def _open_file(rows: list[dict[str, Any]]) -> Iterator[Line]:
    for row in rows:
        if row["part"] == "typing":
            met = row["after_last"] <= row["single_p95"] + 1000 * DEBOUNCE
            yield Line(
                f"{row['file']}: 20 keys a second for {row['keys'] / 20:.0f} s, answered a pause of {1000 * DEBOUNCE:.0f} ms and a single key's p95 after the last",
                f"{row['after_last']:.0f} ms after the last key",
                f"a single key {row['single_p50']:.0f} ms",
                row["single_p50"] / row["after_last"],
                met,
            )
        elif "p95" in row:
            goal = f"{row['file']}: {row['part']}, p95 <= 20 ms"
            yield Line(goal, f"{row['p95']:.1f} ms", met=row["p95"] <= 20)


def _start(rows: list[dict[str, Any]]) -> Iterator[Line]:
    by_name = {row["what"]: row for row in rows}
    own, bare = by_name.get("initialize"), by_name.get("initialize, bare pygls")
    if own is not None and bare is not None:
        ratio = bare["wall"] / own["wall"]
        yield Line(
            "`initialize`, from the start of the process: a bare pygls server plus 10 % at most",
            f"{own['wall']:.0f} ms", f"bare pygls {bare['wall']:.0f} ms", ratio, ratio >= 1 / 1.1,
        )  # fmt: skip
    for row in rows:
        if row["what"].startswith("open "):
            limit = 1000 if row["what"].endswith("cold") else 300
            yield Line(
                f"{row['what']}: first diagnostics, from the start of the process: <= {limit} ms",
                f"{row['wall']:.0f} ms", f"bare pygls answers after {bare['wall']:.0f} ms" if bare else "", met=row["wall"] <= limit,
            )  # fmt: skip
    for name, limit in (("cold", 400), ("from the cache", 250)):
        if (small := by_name.get(f"check small.py, {name}")) is not None:
            yield Line(f"`ane-lsp check small.py`, {name}, whole process: <= {limit} ms", f"{small['wall']:.0f} ms",
                       f"python -c pass {by_name['python -c pass']['wall']:.0f} ms", met=small["wall"] <= limit)  # fmt: skip


def _library(found: dict[str, Any]) -> Iterator[Line]:
    if not found:
        return
    sample, torchfix = found["sample"], found["sample"].get("torchfix")
    part = f"{found['name']}, {sample['files']} of its {found['files']} files"
    for what, kind, jobs in (("processor time", "cpu", "one process"), ("by the clock", "wall", "each tool's default")):
        ours = sample["own"][kind]
        ratio = torchfix[kind] / ours if torchfix else None
        yield Line(
            f"check of {part}, cold, {what} ({jobs}): 20 x torchfix",
            f"{ours:.1f} s", f"torchfix {torchfix[kind]:.1f} s" if torchfix else "", ratio, None if ratio is None else ratio >= 20,
        )  # fmt: skip
    ratio = found["cached"] / found["parse"]
    yield Line(
        f"check of all {found['files']} files of {found['name']} from the cache: 3 x `ast.parse` at most",
        f"{found['cached']:.2f} s", f"ast.parse {found['parse']:.2f} s", 1 / ratio, ratio <= 3,
    )  # fmt: skip


def _memory(found: dict[str, Any], many: list[dict[str, Any]]) -> Iterator[Line]:
    if found:
        yield Line(f"server on {found['name']} with {found['open']} open files: <= 350 MB", f"{found['rested']:.0f} MB",
                   met=found["rested"] <= 350)  # fmt: skip
        if found["edited"]:
            yield Line(
                f"the same after {found['edits']} edits", f"{found['edited']:.0f} MB", met=found["edited"] <= 350
            )
    for row in many:
        counts = sorted(int(number) for number in row["edits"])
        yield Line(
            f"memory after {counts[-1]:,} edits of {row['file']}: 5 % more than after {counts[0]:,} at most",
            f"{row['edits'][str(counts[-1])]:.0f} MB", f"{row['edits'][str(counts[0])]:.0f} MB",
            met=row["growth"] <= 0.05,
        )  # fmt: skip


def _scaling(rows: list[dict[str, Any]]) -> Iterator[Line]:
    from benchmarks.scaling import exponent

    for of in dict.fromkeys((row["common"], row["match"]) for row in rows):
        own = sorted((r for r in rows if (r["common"], r["match"]) == of), key=lambda r: int(r["files"]))
        if len(own) > 1:
            found = exponent([(r["files"], r["cpu"]) for r in own])
            sizes, seconds, held = (", ".join(f"{r[key]:,.0f}" for r in own) for key in ("files", "cpu", "megabytes"))
            yield Line(
                f"check of {sizes} files of {of[0]} ({of[1]}), cold: the cost grows with the files",
                f"{seconds} s of processor time; {held} MB",
                f"exponent {found:.2f}",
                met=found <= 1.1 if own[-1]["files"] >= ENOUGH else None,
            )
