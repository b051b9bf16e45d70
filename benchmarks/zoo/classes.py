"""How much of library classes is understood when nobody wrote an entry for them.

    python -m benchmarks.zoo.classes NAME=FOLDER [NAME=FOLDER ...] [--python ENV] [--sample N] [--json FILE]

Every file below FOLDER (a package or a checkout, read as source) that defines classes with a ``forward`` is analysed by
itself: factories without arguments, then classes with their constructor's defaults and inputs found by probing. Of the calls
written in ``forward`` bodies three shares are printed:

resolved   calls of torch operations and submodules that were followed to an operation, of all those that are torch's: a call
           of an operation of ``torch.*``/``F.*``, of a submodule (``self.x(...)``) or of a tensor's method, written in a
           forward or in a method of its class that it calls.
rank       of the torch calls that were reached, those whose results all have a known number of dimensions.
channels   of these, those whose results all have a known channel size (axis 1 of pictures, the last axis of the others).

Then where the rest is lost: the first unknown or error behind it, most frequent first.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ane_lsp.graph import TensorType, Value, dims
from ane_lsp.interp import run
from ane_lsp.interp.entries import FileRun, run_file
from ane_lsp.syntax.comments import parse_directives
from ane_lsp.torch_model import registry
from ane_lsp.workspace import Workspace

# Methods of tensors that model code calls; the same name on a list or a string is rare in a forward.
_METHODS = frozenset(
    [
        "view",
        "reshape",
        "permute",
        "transpose",
        "flatten",
        "unflatten",
        "contiguous",
        "mean",
        "sum",
        "softmax",
        "sigmoid",
        "relu",
        "tanh",
        "chunk",
        "split",
        "unbind",
        "unsqueeze",
        "squeeze",
        "expand",
        "repeat",
        "matmul",
        "masked_fill",
        "to",
        "float",
        "half",
        "clamp",
        "pow",
        "sqrt",
        "rsqrt",
        "mul",
        "add",
        "sub",
        "div",
        "flip",
        "cumsum",
        "gather",
        "scatter",
        "topk",
        "max",
        "min",
        "argmax",
        "amax",
        "exp",
        "log",
        "abs",
        "norm",
        "type_as",
        "expand_as",
        "repeat_interleave",
        "index_select",
        "roll",
    ]
)


@dataclass
class Tally:
    """Counts over the files of one package."""

    files: int = 0
    classes: int = 0
    reached: int = 0
    written: int = 0
    resolved: int = 0
    calls: int = 0
    ranked: int = 0
    channelled: int = 0
    stopped: int = 0
    internal: int = 0
    seconds: float = 0.0
    reasons: Counter[str] = field(default_factory=Counter)
    lost_classes: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)


def forwards(tree: ast.Module) -> Iterator[tuple[ast.ClassDef, ast.FunctionDef]]:
    """Classes of a file with the forward they define; one that does nothing but raise is left out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.bases:
            for item in node.body:
                if (
                    isinstance(item, ast.FunctionDef)
                    and item.name == "forward"
                    and not isinstance(item.body[-1], ast.Raise)
                ):
                    yield node, item


def written_calls(owner: ast.ClassDef, function: ast.FunctionDef) -> Iterator[ast.Call]:
    """Calls that are torch's, by how they are written, in a forward and in methods of its class that it calls.

    Calls of such methods count by what is in them; questions such as ``torch.jit.is_scripting()`` are no operations.
    """
    methods = {item.name: item for item in owner.body if isinstance(item, ast.FunctionDef)}
    waiting, seen = [function], {function.name}
    while waiting:
        for node in ast.walk(waiting.pop()):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            name = node.func.attr
            root = node.func.value
            own = isinstance(root, ast.Name) and root.id in ("self", "cls")
            if own and name in methods:
                if name not in seen:
                    seen.add(name)
                    waiting.append(methods[name])
                continue
            if own or name in _METHODS or _is_operation(ast.unparse(node.func)):
                yield node


def _is_operation(dotted: str) -> bool:
    """Whether a dotted name is one of torch's operations, as they are usually imported."""
    for alias, full in (
        ("F.", "torch.nn.functional."),
        ("nn.functional.", "torch.nn.functional."),
        ("torch.", "torch."),
    ):
        if dotted.startswith(alias):
            found = registry.find(full + dotted[len(alias) :])
            return found is not None and not found.rule.__module__.endswith(".info")
    return False


def count_file(path: Path, workspace: Workspace, tally: Tally) -> None:
    """Analyse one file and add what was found to the tally."""
    source = workspace.read(path)
    tree = source.parse()
    if not isinstance(tree, ast.Module):
        return
    found = list(forwards(tree))
    if not found or "torch" not in source.text:
        return
    began = time.process_time()
    done = run_file(workspace, path, parse_directives(source), [], "iOS18", run.Limits(seconds=20))
    tally.seconds += time.process_time() - began
    tally.files += 1
    tally.stopped += done.run.stopped is not None
    tally.internal += len(done.run.internal)
    places, results = _reached(done, str(path))
    for owner, function in found:
        tally.classes += 1
        first, last = function.lineno, function.end_lineno or function.lineno
        begin, end = (owner.lineno, owner.end_lineno or last)
        inside = {key: value for key, value in results.items() if begin <= key[0] <= end}
        calls = list(written_calls(owner, function))
        hit = [c for c in calls if any(_key(c) == (line, end) for line, _, end in places)]
        tally.written += len(calls)
        tally.resolved += len(hit)
        for values in inside.values():
            types = [v.type for v in values]
            tally.calls += 1
            ranked = all(t.shape is not None for t in types)
            tally.ranked += ranked
            tally.channelled += ranked and all(_has_channels(t) for t in types)
        entered = bool(inside) or bool(hit) or not calls
        tally.reached += entered
        missed = [call for call in calls if call not in hit]
        if missed:
            reason, detail = _why(done, str(path), owner, first, last, entered)
            tally.reasons[reason] += len(missed)
            if not entered:
                tally.lost_classes.append(f"{path.name}:{owner.lineno} {owner.name}: {reason}")
            lines = ",".join(str(call.lineno) for call in missed[:8])
            tally.details.append(
                f"{path}:{owner.lineno} {owner.name} lost {len(missed)} of {len(calls)} ({lines}): {detail}"
            )


def _key(call: ast.Call) -> tuple[int, int]:
    return call.end_lineno or 0, call.end_col_offset or 0


def _reached(done: FileRun, file: str) -> tuple[set[tuple[int, int, int]], dict[tuple[int, int, str], list[Value]]]:
    """Ends of the call expressions of a file that led to torch, and the results of the torch calls at each place."""
    places: set[tuple[int, int, int]] = set()
    results: dict[tuple[int, int, str], list[Value]] = {}
    for entry in done.entries:
        for call in entry.graph.calls:
            for span in (call.span, *call.stack):
                if span.file == file:
                    places.add((span.end_line, 0, span.end_col))
            if call.span.file == file:
                kept = results.setdefault((call.span.line, call.span.col, call.torch), [])
                kept.extend(_values(call.result))
    return places, results


def _values(result: Any) -> Iterator[Value]:
    if isinstance(result, Value):
        yield result
    elif isinstance(result, (list, tuple)):
        for item in result:
            yield from _values(item)


def _has_channels(kind: TensorType) -> bool:
    assert kind.shape is not None
    if not kind.shape:
        return True
    return dims.is_known(kind.shape[1 if len(kind.shape) in (4, 5) else -1])


def _why(done: FileRun, file: str, owner: ast.ClassDef, first: int, last: int, entered: bool) -> tuple[str, str]:
    """The likeliest cause of what is lost in a class, in general words and exactly: an error that ended it, else the first
    unknown noted inside it."""
    begin, end = owner.lineno, owner.end_lineno or owner.lineno
    if done.run.stopped:
        return f"stopped: {done.run.stopped}", f"stopped: {done.run.stopped}"
    for text, span in done.run.errors:
        if span is not None and span.file == file and begin <= span.line <= end:
            return _general(text), f"line {span.line}: {text}"
    for low, high in ((first, last), (begin, end)):
        for span, what, value in done.run.interp.reasons.values():
            if low <= span.line <= high:
                return _general(value.first.reason), f"line {span.line}: {what}: {value.first.reason}"
    if not entered:
        outside = next(((text, span) for text, span in done.run.errors if span is None or span.file != file), None)
        if outside is not None:
            text, span = outside
            return f"not reached ({_general(text)})", f"not reached, {span and f'{span.file}:{span.line}'}: {text}"
        return "not reached", "not reached"
    return "a branch that was not taken", "a branch that was not taken"


def _general(text: str) -> str:
    """A reason with names and numbers left out, so that equal ones count as one."""
    text = re.sub(r"`[^`]*`|'[^']*'", "_", text)
    text = re.sub(r"\[[^\]]*\]|\([^)]*\)", "()", text)
    text = re.sub(r"\b\d+\b", "N", text)
    return re.sub(r"_ of \w+ has", "_ of a class has", text)[:110]


def main() -> int:
    """The table, and the reasons below it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("packages", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--python", default=sys.prefix, help="environment whose packages are read")
    parser.add_argument("--search-path", action="append", default=[], type=Path, help="further folders to import from")
    parser.add_argument("--sample", type=int, help="analyse so many files of each package, chosen with a fixed seed")
    parser.add_argument("--top", type=int, default=12, help="reasons to list")
    parser.add_argument("--details", type=Path, help="write each class that lost calls here, with its cause")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    header = f"{'package':22} {'files':>5} {'classes':>7} {'reached':>8} {'calls':>6} {'resolved':>8} {'rank':>6} {'channels':>8} {'s/file':>6}"
    print(header)
    reasons: Counter[str] = Counter()
    lost: list[str] = []
    details: list[str] = []
    kept: dict[str, dict[str, float]] = {}
    for text in options.packages:
        name, _, folder = text.partition("=")
        tally = count_package(Path(folder), options.python, options.sample, options.search_path)
        reasons += tally.reasons
        lost += tally.lost_classes
        details += tally.details
        kept[name] = _figures(tally)
        own = kept[name]
        print(
            f"{name:22} {tally.files:5} {tally.classes:7} {own['reached']:8.3f} {tally.written:6} {own['resolved']:8.3f} {own['rank']:6.3f}"
            f" {own['channels']:8.3f} {tally.seconds / max(tally.files, 1):6.2f}"
            + (f"  {tally.stopped} stopped" if tally.stopped else "") + (f"  {tally.internal} internal errors" if tally.internal else ""),
            flush=True,
        )  # fmt: skip
    print("\ncalls lost, by the first cause")
    for reason, count in reasons.most_common(options.top):
        print(f"{count:6}  {reason}")
    for line in random.Random(1).sample(lost, min(8, len(lost))):
        print(f"        for example {line}")
    if options.details is not None:
        options.details.write_text("".join(f"{line}\n" for line in details), encoding="utf-8")
    if options.json is not None:
        options.json.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return 0


def count_package(folder: Path, python: str, sample: int | None, search: list[Path]) -> Tally:
    """The counts of a package's files."""
    root = folder.parent if (folder / "__init__.py").exists() else folder
    workspace = Workspace(root, search, python)
    files = sorted(path for path in folder.rglob("*.py") if not {"tests", "test", "build", "docs"} & set(path.parts))
    if sample is not None:
        relevant = [path for path in files if "def forward" in path.read_text(encoding="utf-8", errors="replace")]
        files = sorted(random.Random(0).sample(relevant, min(sample, len(relevant))))
    tally = Tally()
    for path in files:
        count_file(path, workspace, tally)
    return tally


def _figures(tally: Tally) -> dict[str, float]:
    def share(part: int, whole: int) -> float:
        return round(part / whole, 4) if whole else 0.0

    return {
        "files": tally.files, "classes": tally.classes, "reached": share(tally.reached, tally.classes),
        "written": tally.written, "resolved": share(tally.resolved, tally.written), "reached_calls": tally.calls,
        "rank": share(tally.ranked, tally.calls), "channels": share(tally.channelled, tally.calls),
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
