"""Shapes against pyrefly's shape-typed torch code: what ``assert_type(x, Tensor[[2, N]])`` expects, and what is inferred here.

    python -m benchmarks.zoo.pyrefly CHECKOUT [--part test|examples] [--python ENV] [--show N]

CHECKOUT is a checkout of github.com/facebook/pyrefly (MIT); nothing of it is kept here. Type parameters are cut out of the
source and each function is interpreted: parameters annotated ``Tensor[[B, 64]]`` become tensors of that symbolic shape,
``Int[N]`` the size N; methods are called on an instance built from such parameters. Asserted shapes are compared size by
size as polynomials over these symbols; where neither equality nor inequality follows, that counts as unknown.
"""

from __future__ import annotations

import argparse
import ast
import operator
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from ane_lsp.graph import DimLike, TensorType, Unknown, dims
from ane_lsp.interp import run
from ane_lsp.interp.assumptions import required
from ane_lsp.interp.entries import guarded_inline
from ane_lsp.interp.values import Builtin, ClassObject, Function, Instance, Tensor
from ane_lsp.workspace import Workspace

_PARAMETERS = re.compile(r"^([ \t]*(?:async )?(?:def|class) \w+)\[(?:[^\[\]]|\[[^\]]*\])*\]([(:])", re.M)


Sizes = tuple[Any, ...]


def size_of(node: ast.expr) -> DimLike | None:
    """A size expression: a number, a type parameter, arithmetic of such; None for what is no size (``Any``, calls)."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, int) else None
    if isinstance(node, ast.Name):
        return None if node.id == "Any" else dims.symbol(node.id)
    if isinstance(node, ast.BinOp):
        left, right = size_of(node.left), size_of(node.right)
        if left is None or right is None:
            return None
        if isinstance(node.op, ast.FloorDiv):
            return dims.floordiv(left, right) if right != 0 else None
        combine = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}.get(type(node.op))
        return combine(left, right) if combine is not None else None
    return None


def sizes_in(kind: ast.expr | None) -> Sizes | None:
    """The sizes of ``Tensor[[...]]``; None where the expression is something else or has a part of unknown length."""
    if isinstance(kind, ast.Constant) and isinstance(kind.value, str):
        kind = ast.parse(kind.value, mode="eval").body
    if not (isinstance(kind, ast.Subscript) and isinstance(kind.slice, ast.List)):
        return None
    if getattr(kind.value, "id", getattr(kind.value, "attr", "")) != "Tensor":
        return None
    if any(isinstance(size, ast.Starred) for size in kind.slice.elts):
        return None
    return tuple(size_of(size) for size in kind.slice.elts)


def expected_shapes(tree: ast.Module) -> dict[int, Sizes]:
    """Asserted sizes by line, None for what is no size."""
    found: dict[int, Sizes] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "assert_type" and len(node.args) == 2:
            sizes = sizes_in(node.args[1])
            if sizes is not None:
                found[node.lineno] = sizes
    return found


_INTEGER = re.compile(r"(^|_)(idx|index|indices|ids?|tokens?|labels?|positions?|pos|targets?)($|_)")


def argument(interp: Any, module: Any, parameter: ast.arg) -> Any:
    """A value of the annotated type: a tensor of symbolic shape (integers where the name says indices), a size, an instance
    of a class of the file; Unknown for other annotations."""
    note = parameter.annotation
    sizes = sizes_in(note)
    if sizes is not None:
        shape = tuple(dims.fresh() if size is None else size for size in sizes)
        return Tensor(TensorType(shape, "i64" if _INTEGER.search(parameter.arg) else "f32"), "input")
    root = note.value if isinstance(note, ast.Subscript) else note
    name = getattr(root, "id", "")
    if isinstance(note, ast.Subscript) and name == "Int":
        size = size_of(note.slice)
        return size if size is not None else dims.symbol(parameter.arg)
    if name in ("int", "Int"):
        return dims.symbol(parameter.arg)
    if isinstance(note, ast.Subscript) and name == "tuple" and isinstance(note.slice, ast.Tuple):
        return tuple(argument(interp, module, ast.arg(parameter.arg, part)) for part in note.slice.elts)
    cls = module.namespace.get(name)
    if isinstance(cls, ClassObject):
        return interp.call(cls, (), constructor(interp, module, cls))
    return Unknown(f"no value of the type {ast.unparse(note) if note is not None else ''} is known")


def constructor(interp: Any, module: Any, cls: ClassObject) -> dict[str, Any]:
    """Values for the constructor's parameters; those of a dataclass or named tuple are annotated in its body."""
    fields = {
        item.target.id: item
        for item in (cls.node.body if cls.node is not None else ())
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    }
    init = cls.lookup("__init__")
    if not isinstance(init, Function):
        open_ = [name for name, item in fields.items() if item.value is None]
        return {name: argument(interp, module, ast.arg(name, fields[name].annotation)) for name in open_}
    values = {}
    for parameter in required(init.node, 1):
        known = fields.get(parameter.arg)
        note = parameter.annotation or (known.annotation if known is not None else None)
        values[parameter.arg] = argument(interp, module, ast.arg(parameter.arg, note))
    return values


def bound(interp: Any, module: Any, node: Any, skip: int) -> dict[str, Any]:
    """Values for the parameters without default."""
    return {p.arg: argument(interp, module, p) for p in required(node, skip)}


def compare(path: Path, python: str, counts: Counter[str], unknown: bool = False) -> list[str]:
    """Count agreements of one file; its disagreements in words."""
    names: set[str] = set()

    def cut(match: re.Match[str]) -> str:
        names.update(re.findall(r"(\w+)\s*(?::|,|\])", match[0]))
        return match[1] + match[2] + "\n" * match[0].count("\n")

    text = _PARAMETERS.sub(cut, path.read_text(encoding="utf-8"))
    text = re.sub(r"^if TYPE_CHECKING:", "if True:", text, flags=re.M)  # the tests take their functions from there
    try:
        expected = expected_shapes(ast.parse(text))
    except SyntaxError as error:
        if counts["files that do not parse"] < 3:
            print(f"{path.name}:{error.lineno}: {error.msg}: {(error.text or '').strip()[:80]}", file=sys.stderr)
        counts["files that do not parse"] += 1
        return []
    seen: dict[int, list[tuple[Any, bool]]] = {}  # values, and whether their function was called by another one
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        copy.write_text(text, encoding="utf-8")
        interp = run.start(Workspace(copy.parent, python=python))

        def asserted(interp: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            where = interp.here()
            if where is not None and args:
                caller = interp.frame.parent
                seen.setdefault(where.line, []).append((args[0], caller is not None and caller.depth > 0))
            return args[0] if args else None

        def work() -> None:
            module = run.load_file(interp, copy, as_main=False)
            if module is None:
                return
            module.namespace["assert_type"] = Builtin("assert_type", asserted)
            for name in names:
                module.namespace.setdefault(name, Unknown(f"{name} is a type parameter"))
            for value in list(module.namespace.values()):
                if isinstance(value, Function) and isinstance(value.node, ast.FunctionDef):
                    _inline(interp, lambda value=value: interp.call(value, (), bound(interp, module, value.node, 0)))
                elif isinstance(value, ClassObject) and value.module is module and isinstance(value.node, ast.ClassDef):
                    _inline(interp, lambda value=value: _methods(interp, module, value))

        run.guarded(interp, work)
    told = []
    for line, sizes in expected.items():
        for verdict, text in {judged(value, sizes, nested) for value, nested in seen.get(line, ())} or {
            ("not reached", "")
        }:
            counts[verdict] += 1
            if verdict == "differs" or (verdict == "unknown" and unknown):
                told.append(f"{path.name}:{line} {verdict}: expected {[str(s) for s in sizes]}, here {text}")
    return told


def _inline(interp: Any, work: Any) -> None:
    with interp.step_limit(300_000):
        guarded_inline(interp, work)


def _methods(interp: Any, module: Any, cls: ClassObject) -> None:
    """Call the methods of a class that assert something, on an instance built from its constructor's annotations."""
    methods = [
        item
        for item in cls.node.body  # type: ignore[union-attr]
        if isinstance(item, ast.FunctionDef) and item.name != "__init__" and "assert_type" in ast.unparse(item)
    ]
    if not methods:
        return
    made = interp.call(cls, (), constructor(interp, module, cls))
    if isinstance(made, Instance):
        for item in methods:
            target = made if item.name == "forward" else interp.getattr(made, item.name)
            _inline(interp, lambda item=item, target=target: interp.call(target, (), bound(interp, module, item, 1)))


def judged(value: Any, sizes: Sizes, nested: bool) -> tuple[str, str]:
    """``agrees``, ``differs`` or ``unknown``, and the shape inferred here.

    nested: the assertion stands in a function that another one called: its type parameters stand for the caller's sizes, so
    that only numbers and the equality of equal names are compared.
    """
    shape = value.type.shape if isinstance(value, Tensor) else None
    if shape is None:
        return "unknown", ""
    text = str([str(size) for size in shape])
    if len(shape) != len(sizes):
        return "differs", text
    meant: dict[Any, Any] = {}
    verdicts = []
    for here, wanted in zip(shape, sizes):
        if wanted is None:
            continue
        if nested and not isinstance(wanted, int):
            if wanted.atom is None or not dims.is_known(here):
                continue
            wanted = meant.setdefault(wanted, here)
        verdicts.append(dims.equal(here, wanted))
    if any(verdict is False for verdict in verdicts):
        return "differs", text
    return ("agrees" if all(verdicts) else "unknown"), text


def main() -> int:
    """Print the counts and the disagreements."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--part", choices=("test", "examples"), default="test")
    parser.add_argument("--python", default=sys.prefix, help="environment whose packages are read")
    parser.add_argument("--unknown", action="store_true", help="list shapes that are not known here as well")
    parser.add_argument("--show", type=int, default=20, metavar="N")
    options = parser.parse_args()
    folder = options.checkout / "tensor-shapes" / "pyrefly-torch-stubs" / options.part
    files = sorted(folder.rglob("*.py"))
    if not files:
        parser.error(f"no tests in {folder}")
    counts: Counter[str] = Counter()
    told = [line for path in files for line in compare(path, options.python, counts, options.unknown)]
    print(f"{len(files)} files: " + ", ".join(f"{count} {name}" for name, count in counts.most_common()))
    print("\n".join(told[: options.show]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
