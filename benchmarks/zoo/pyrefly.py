"""Shapes against pyrefly's shape-typed torch tests: what ``assert_type(x, Tensor[[2, 3]])`` expects, and what is inferred here.

    python -m benchmarks.zoo.pyrefly CHECKOUT [--python ENV] [--show N]

CHECKOUT is a checkout of github.com/facebook/pyrefly (MIT); nothing of it is kept here. Type parameters are cut out of the
source, each test function without parameters is interpreted, and its asserted shapes are compared size by size; a size that
is not a number there says nothing. Assertions inside functions with parameters are counted as not reached.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from ane_lsp.interp import run
from ane_lsp.interp.entries import guarded_inline
from ane_lsp.interp.values import Builtin, Function, Tensor
from ane_lsp.workspace import Workspace

_PARAMETERS = re.compile(r"^(\s*(?:async )?(?:def|class) \w+)\[(?:[^\[\]]|\[[^\]]*\])*\]([(:])", re.M)


def expected_shapes(tree: ast.Module) -> dict[int, list[Any]]:
    """Asserted sizes by line: numbers, and None for what is no number."""
    found: dict[int, list[Any]] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or getattr(node.func, "id", "") != "assert_type" or len(node.args) != 2:
            continue
        kind = node.args[1]
        if (
            isinstance(kind, ast.Subscript)
            and isinstance(kind.slice, ast.List)
            and getattr(kind.value, "id", "") == "Tensor"
        ):
            if not any(isinstance(size, ast.Starred) for size in kind.slice.elts):
                found[node.lineno] = [
                    size.value if isinstance(size, ast.Constant) else None for size in kind.slice.elts
                ]
    return found


def compare(path: Path, python: str, counts: Counter[str]) -> list[str]:
    """Count agreements of one file; its disagreements in words."""
    text = _PARAMETERS.sub(
        lambda match: match[1] + match[2] + "\n" * match[0].count("\n"), path.read_text(encoding="utf-8")
    )
    try:
        expected = expected_shapes(ast.parse(text))
    except SyntaxError as error:
        if counts["files that do not parse"] < 3:
            print(f"{path.name}:{error.lineno}: {error.msg}: {(error.text or '').strip()[:80]}", file=sys.stderr)
        counts["files that do not parse"] += 1
        return []
    seen: dict[int, list[Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        copy.write_text(text, encoding="utf-8")
        interp = run.start(Workspace(copy.parent, python=python))

        def asserted(interp: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            where = interp.here()
            if where is not None and args:
                seen.setdefault(where.line, []).append(args[0])
            return args[0] if args else None

        def work() -> None:
            module = run.load_file(interp, copy, as_main=False)
            if module is None:
                return
            module.namespace["assert_type"] = Builtin("assert_type", asserted)
            for value in list(module.namespace.values()):
                if isinstance(value, Function) and not getattr(value.node, "args", ast.arguments()).args:
                    guarded_inline(interp, lambda value=value: interp.call(value, ()), [])  # type: ignore[misc]

        run.guarded(interp, work)
    told = []
    for line, sizes in expected.items():
        for verdict, text in {judged(value, sizes) for value in seen.get(line, ())} or {("not reached", "")}:
            counts[verdict] += 1
            if verdict == "differs":
                told.append(f"{path.name}:{line} expected {sizes}, here {text}")
    return told


def judged(value: Any, sizes: list[Any]) -> tuple[str, str]:
    """``agrees``, ``differs`` or ``unknown``, and the shape inferred here."""
    shape = value.type.shape if isinstance(value, Tensor) else None
    if shape is None:
        return "unknown", ""
    if len(shape) != len(sizes) or any(
        isinstance(a, int) and isinstance(b, int) and a != b for a, b in zip(shape, sizes)
    ):
        return "differs", str(list(shape))
    known = all(isinstance(a, int) for a, b in zip(shape, sizes) if isinstance(b, int))
    return ("agrees" if known else "unknown"), str(list(shape))


def main() -> int:
    """Print the counts and the disagreements."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--python", default=sys.prefix, help="environment whose packages are read")
    parser.add_argument("--show", type=int, default=20, metavar="N")
    options = parser.parse_args()
    folder = options.checkout / "tensor-shapes" / "pyrefly-torch-stubs" / "test"
    files = sorted(folder.glob("*.py"))
    if not files:
        parser.error(f"no tests in {folder}")
    counts: Counter[str] = Counter()
    told = [line for path in files for line in compare(path, options.python, counts)]
    print(f"{len(files)} files: " + ", ".join(f"{count} {name}" for name, count in counts.most_common()))
    print("\n".join(told[: options.show]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
