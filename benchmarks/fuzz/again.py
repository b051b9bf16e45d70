"""``python -m benchmarks.fuzz.again PATH...``: edits of real files, answered in the world of the last analysis and from scratch.

Files are taken at random (``--seed``) until ``--minutes`` are over. Each is analysed once and then edited ``--edits`` times at
random: constants, operators, arguments and statements of its functions, now and then a line outside of them. After every
``--every`` edits what the server would show, and all that its graphs hold, is compared with those of a fresh analysis of the
same text. With ``--beside`` most edits are of another file that took part in the analysis and is open as well. What differs is kept
under ``--work``: the texts and what was different. Exits 1 where something was.
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
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ane_lsp.graph import Graph, Sym
from ane_lsp.graph.liveness import values
from ane_lsp.server.analyst import Analyst
from benchmarks.edits import project

LARGEST = 60_000
"""Bytes of a file: larger ones take minutes, and differ in nothing but size."""
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_OPERATORS = {"+": "*", "-": "+", "*": "+", "//": "*", "/": "*"}


def places(text: str) -> list[tuple[int, int, str]]:
    """Where a function of the text can be edited: from and to (in UTF-8 bytes), and what comes there."""
    found: list[tuple[int, int, str]] = []
    data = text.encode()
    starts = [0]
    for line in data.split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)

    def span(node: Any) -> tuple[int, int]:
        return starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset

    functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
    for function in functions:
        for node in ast.walk(function):
            if isinstance(node, ast.Constant) and type(node.value) is int:
                start, end = span(node)
                found += [(start, end, str(node.value + by)) for by in (1, 2)]
            elif isinstance(node, ast.Constant) and type(node.value) is bool:
                found.append((*span(node), str(not node.value)))
            elif isinstance(node, ast.BinOp):
                start, end = span(node.left)[1], span(node.right)[0]
                between = data[start:end].decode()
                if (new := _OPERATORS.get(between.strip())) is not None:
                    found.append((start, end, between.replace(between.strip(), new)))
            elif isinstance(node, ast.Call) and node.keywords and node.keywords[-1].arg and len(node.keywords) > 1:
                found.append((span(node.keywords[-2])[1], span(node.keywords[-1])[1], ""))
            elif isinstance(node, (ast.Assign, ast.AugAssign, ast.Expr)) and node.lineno == node.end_lineno:
                start, end = span(node)
                indent = b" " * node.col_offset
                statement = data[start:end]
                found += [
                    (start, end, "pass"),
                    (start, end, (statement + b"\n" + indent + statement).decode()),
                    (start, start, f"unused = {len(found)}\n{indent.decode()}"),
                ]
                if (
                    function.name == "forward"
                    and isinstance(node, ast.Assign)
                    and isinstance(node.targets[0], ast.Name)
                ):
                    name = node.targets[0].id
                    found += [(end, end, f"\n{indent.decode()}{name} = {name} {way}") for way in ("* 2", "+ 0.5") * 4]
    return found


def edit(text: str, chance: random.Random) -> str:
    """One edit; the text as it is where it has no place for one."""
    if chance.random() < 0.1:
        lines = text.split("\n")
        lines.insert(chance.randrange(len(lines)), chance.choice(("", "# a comment")))
        return "\n".join(lines)
    found = places(text)
    if not found:
        return text
    start, end, new = chance.choice(found)
    data = text.encode()
    return (data[:start] + new.encode() + data[end:]).decode()


def shown(analyst: Analyst, path: Path) -> dict[str, Any]:
    """What an editor is told of a file, and its graphs."""
    result = analyst.analyze(str(path), lambda: False)
    names = ("findings", "errors", "models", "calls", "shapes", "depends", "targets")
    graphs = analyst._kept[str(path)].analysis().graphs
    return {**{name: getattr(result, name) for name in names}, "graphs": [list(recorded(graph)) for graph in graphs]}


def recorded(graph: Graph) -> Iterator[str]:
    """All that a graph holds."""
    ops = [(op.id, op.kind, op.inputs, op.attrs, op.outputs, op.call.id) for op in graph.ops]
    rest = graph.name, graph.inputs, graph.outputs, graph.shapes, graph.asks_capture, graph.lost
    for part in (rest, *graph.calls, *graph.custom, *ops):
        yield _ADDRESS.sub("", repr(part))
    known: dict[int, Any] = {}
    for held in (*[(call.args, call.kwargs, call.params, call.result) for call in graph.calls], *ops, rest):
        for value in values(held):
            made = () if value.producer is None else graph.ops[value.producer].outputs
            one = value.origin, value.name, value.producer, value.fold  # its type is what is known of it there
            if known.setdefault(value.id, one) != one or (made and value.id not in [output.id for output in made]):
                yield f"{value} is not the one of this number"
    if [call.id for call in graph.calls] != list(range(len(graph.calls))) or any(
        graph.calls[op.call.id] is not op.call for op in graph.ops
    ):
        yield "calls are not at their places"
    yield f"sizes nobody knows: {made_up(graph)}"


def made_up(graph: Graph) -> list[tuple[int, ...]]:
    """Which of the sizes that nobody knows are the same, in the results of operations and in named tensors: numbered from the first on, as
    their own numbers depend on what ran before."""
    shapes = [value.type.shape for op in graph.ops for value in op.outputs] + [fact.type.shape for fact in graph.shapes]
    numbers: dict[int, int] = {}
    return [
        tuple([numbers.setdefault(number, len(numbers)) for number in sorted(_anonymous(size))])
        for shape in shapes
        for size in shape or ()
        if isinstance(size, Sym) and not size.is_known
    ]


def _anonymous(size: Any) -> set[int]:
    found: set[int] = set()
    for atom in (atom for monomial, _ in size.terms for atom in monomial) if isinstance(size, Sym) else ():
        for arg in atom.args:
            found |= {arg} if atom.op == "?" and isinstance(arg, int) else _anonymous(arg)
    return found


def fresh(texts: Mapping[Path, str]) -> Analyst:
    """An analyst that has seen nothing but these texts."""
    analyst = Analyst()
    for path, text in texts.items():
        analyst.overlay(str(path), text)
    return analyst


def neighbours(analyst: Analyst, path: Path) -> list[Path]:
    """The files of the same package, or of the same folder, that took part in the analysis of one and can be edited."""
    root = project(path)
    top = root / path.relative_to(root).parts[0]
    depends = analyst.analyze(str(path), lambda: False).depends or frozenset()
    found = [Path(one) for one in sorted(depends) if one.endswith(".py")]
    return [one for one in found if one.is_relative_to(top if top.is_dir() else root) and _text_of(one)]


def _text_of(path: Path) -> str:
    """The text of a file that can be edited, else none."""
    text = path.read_text(encoding="utf-8", errors="replace")
    return text if len(text) <= LARGEST and parses(text) and places(text) else ""


def parses(text: str) -> bool:
    """Whether it is Python, and of a size that a line of edits may grow to."""
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return len(text) < 2 * LARGEST


def follow(
    path: Path, text: str, chance: random.Random, edits: int, every: int, counts: Counter[str], beside: bool = False
) -> tuple[list[dict[Path, str]], str] | None:
    """Edit and compare; None where all is the same, else the texts after each of the last edits and which parts differ. beside: most
    edits are of another file."""
    texts = {path: text}
    analyst = fresh(texts)
    before = shown(analyst, path)
    if beside and (others := neighbours(analyst, path)):
        beside_it = chance.choice(others)
        texts = {beside_it: _text_of(beside_it), path: text}
        analyst = fresh(texts)
        before = shown(analyst, path)
    trail = [texts]
    for number in range(1, edits + 1):
        edited = next(iter(texts)) if chance.random() < 0.8 else path
        text = edit(texts[edited], chance)
        if text == texts[edited] or not parses(text):
            continue
        texts = {**texts, edited: text}
        trail.append(texts)
        analyst.overlay(str(edited), text)
        kept = analyst._kept.get(str(path))
        before = shown(analyst, path)
        counts["kept" if analyst._kept[str(path)] is kept else "anew"] += 1
        if number % every:
            continue
        other = shown(fresh(texts), path)
        counts["compared"] += 1
        if any(error.kind == "budget" for error in (*before["errors"], *other["errors"])):
            return None  # how far it came depends on the clock
        different = [name for name in before if name != "depends" and before[name] != other[name]]
        if not set(other.get("depends", ())) <= set(before.get("depends", ())):  # what it depended on before may stay
            different.append("depends")
        if different:
            return trail[-every - 1 :], ", ".join(different)
    return None


def main() -> int:
    """Take files until the time is over, print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=Path, help="files and folders")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--edits", type=int, default=8)
    parser.add_argument("--every", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--beside", action="store_true", help="edit what a file imports from its own package, too")
    parser.add_argument("--work", type=Path, default=Path(".fuzz/again"))
    args = parser.parse_args()
    chance = random.Random(args.seed)
    named = (f for path in args.paths for f in (path.rglob("*.py") if path.is_dir() else [path]))
    files = sorted({f.resolve() for f in named if f.is_file()})
    chance.shuffle(files)
    args.work.mkdir(parents=True, exist_ok=True)
    counts: Counter[str] = Counter()
    began, busy = time.monotonic(), time.process_time()
    end = began + 60 * args.minutes
    for path in files:
        if time.monotonic() > end:
            break
        text = path.read_text(encoding="utf-8", errors="replace")
        if "nn.Module" not in text or len(text) > LARGEST or not parses(text):
            continue
        counts["files"] += 1
        found = follow(path, text, chance, args.edits, args.every, counts, args.beside)
        spent = f"{time.monotonic() - began:.0f} s, {time.process_time() - busy:.0f} of processor time"
        print(f"{spent}: {path.name}, {json.dumps(counts)}", file=sys.stderr, flush=True)
        if found is not None:
            counts["differ"] += 1
            name = f"{path.stem}-{counts['differ']}.json"
            trail = [{str(one): text for one, text in texts.items()} for texts in found[0]]
            (args.work / name).write_text(json.dumps({"file": str(path), "different": found[1], "texts": trail}))
            print(f"{path}: {found[1]} ({args.work / name})", flush=True)
    print(f"{json.dumps(counts)}, {time.process_time() - busy:.0f} s of processor time")
    return 1 if counts["differ"] else 0


if __name__ == "__main__":
    sys.exit(main())
