"""Shapes that the source itself gives for a forward's parameters: annotations, docstrings, comments, assertions."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from ane_lsp.interp.probing import Probe, named_dtype
from ane_lsp.syntax.exchange import header_of

_OF_SIZES = r"(?:sum|prod|max|min|len)"
_SIZE = rf"(?:{_OF_SIZES}\([^()]*\)|[A-Za-z_]\w*|\d+\w*)"
_SHAPE_TEXT = re.compile(
    rf"(?<!sum)(?<!prod)(?<!max)(?<!min)(?<!len)[\[(]\s*({_SIZE}(?:\s*[,*]\s*{_SIZE}|\s+x\s+{_SIZE})*)\s*(,?)\s*[\])]"
)
_JOINED = re.compile(r"(?:[A-Za-z]|\d+|[A-Z]{2})(?:x(?:[A-Za-z]|\d+|[A-Z]{2}))+")  # BxCxHxW, 3x224x224; not "maximum"
_NO_SIZES = frozenset({
    "array", "bool", "boolean", "callable", "default", "dict", "float", "int", "integer", "list", "module", "ndarray", "none", "number",
    "optional", "required", "str", "string", "tensor", "tensors", "torch", "tuple",
})  # fmt: skip
_CONTAINERS = re.compile(r"^(typing\.|t\.)?(list|tuple|sequence|iterable|dict|mapping|ordereddict)\b", re.I)
NO_ATTRIBUTES: Mapping[str, object] = MappingProxyType({})
_TENSOR_LISTS = re.compile(
    r"^(typing\.)?(list|tuple|sequence|iterable)\[\s*(torch\.)?(float|half)?tensor\s*(,\s*\.\.\.\s*)?\]$", re.I
)
AnyFunction = ast.FunctionDef | ast.AsyncFunctionDef


def hints_in_source(
    node: AnyFunction,
    owner: ast.ClassDef | None,
    lines: Sequence[str] = (),
    attributes: Mapping[str, object] = NO_ATTRIBUTES,
) -> dict[str, Probe]:
    """Shapes that annotations (jaxtyping), docstrings, comments in the signature and assertions give for a function's
    parameters. lines: of the file it stands in. attributes: of ``self``, which assertions may compare with."""
    found: dict[str, Probe] = {}
    parameters = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    for parameter in parameters:
        text = _annotated_shape(parameter.annotation)
        if text is not None:
            names = tuple(re.sub(r"\W", "", part) or f"N{i}" for i, part in enumerate(text.split()))
            if names and "..." not in text and "*" not in text:
                found[parameter.arg] = Probe(parameter.arg, len(names), names, told="its annotation")
    given = {p.arg for p in parameters}
    if {"hidden_states", "attention_mask"} <= given and "attention_mask" not in found:
        # Inside a model the mask is the one that is added to the scores, no longer the tokenizer's.
        found["attention_mask"] = Probe("attention_mask", 4, ("B", "1", "L", "L"), told="its name")
    docs = [ast.get_docstring(node) or "", (ast.get_docstring(owner) or "") if owner is not None else ""]
    comments = _comments(node, lines)
    for parameter in parameters:
        name = parameter.arg
        if name in found or name == "self":
            continue
        for told, texts in (("its comment", comments), ("its docstring", docs)):
            probe = next((p for text in texts if (p := _described(parameter, text, told)) is not None), None)
            if probe is not None:
                found[name] = probe
                break
    for name, rank in _asserted_ranks(node, attributes).items():
        if name in given and name not in found:
            found[name] = Probe(name, rank, told="its number of dimensions is checked")
    return found


def _described(parameter: ast.arg, text: str, told: str) -> Probe | None:
    """The shape that a text gives behind a parameter's name on one line."""
    match = re.search(rf"^\W*{re.escape(parameter.arg)}\b[^\n]*", text, re.M)
    line = match[0] if match else ""
    for shape in _SHAPE_TEXT.finditer(line):
        names = _sizes(shape[1], bool(shape[2]))
        if 1 <= len(names) <= 5 and all(map(_may_be_size, names)) and _told_apart(names) and not _counted(names):
            return Probe(parameter.arg, len(names), names, dtype=_annotated_dtype(parameter, line), told=told)
    return None


def _sizes(text: str, listed: bool) -> tuple[str, ...]:
    """The sizes in ``B, H*W, C``, ``B x C x 8`` or ``BxCx8``, a product as one of them; none where it is no shape. listed: a comma
    ends it."""
    if listed or "," in text:
        parts = text.split(",")
    elif "*" in text:
        parts = text.split("*")
    elif " x " in text:
        parts = re.split(r"\s+x\s+", text)
    elif _JOINED.fullmatch(text):
        parts = text.split("x")
    else:
        return ()
    names = (re.sub(r"\W", "", part) for part in parts)
    return tuple(name if name.isdigit() or name.isidentifier() else f"N{i}" for i, name in enumerate(names))


def _may_be_size(name: str) -> bool:
    return name.isdigit() or (len(name) <= 20 and name.lower() not in _NO_SIZES)


def _told_apart(names: Sequence[str]) -> bool:
    """Whether no name stands for two sizes."""
    return all(name.isdigit() for name in names if names.count(name) > 1)


def _counted(names: Sequence[str]) -> bool:
    """Whether they are things that are counted, such as the feature maps P3, P4 and P5, and no sizes."""
    numbered = [re.fullmatch(r"([A-Za-z_]+)\d+", name) for name in names]
    return len(names) > 1 and all(numbered) and len({found[1] for found in numbered if found is not None}) == 1


def _comments(node: AnyFunction, lines: Sequence[str]) -> list[str]:
    """Comments from the signature to the first statement, each with the parameter written before it on its line."""
    body = [s for s in node.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    last = body[0].lineno if body else node.lineno
    found = []
    header = header_of(node)
    for line in lines[node.lineno - 1 : last - 1] if header is None else header:
        code, mark, comment = line.partition("#")
        if mark:
            written = re.match(r"\s*(\w+)", code)
            found.append(f"{written[1]} {comment}" if written and written[1] != "def" else comment.strip())
    return found


def _asserted_ranks(node: AnyFunction, attributes: Mapping[str, object]) -> dict[str, int]:
    """``assert x.dim() == 4``, ``if len(x.shape) != 4: raise``: numbers of dimensions the function insists on.

    The number may be an attribute of ``self``, and may have been given a name first.
    """
    found: dict[str, int] = {}
    named: dict[str, str] = {}  # names for ranks: of which parameter
    for statement in node.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            ranked = _ranked(statement.value)
            if ranked is not None:
                named.setdefault(statement.targets[0].id, ranked)
        test: ast.expr | None = None
        wanted: type = ast.Eq
        if isinstance(statement, ast.Assert):
            test = statement.test
        elif isinstance(statement, ast.If) and isinstance(statement.body[0], ast.Raise):
            test, wanted = statement.test, ast.NotEq
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call) and statement.value.args:
            if getattr(statement.value.func, "attr", "") in ("_assert", "_check"):
                test = statement.value.args[0]
        if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], wanted):
            name, value = _ranked(test.left), test.comparators[0]
            if isinstance(test.left, ast.Name):
                name = named.get(test.left.id)
            wanted_rank = value.value if isinstance(value, ast.Constant) else None
            if isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name) and value.value.id == "self":
                wanted_rank = attributes.get(value.attr)  # type: ignore[assignment]
            if name is not None and type(wanted_rank) is int:
                found.setdefault(name, wanted_rank)
    return found


def _ranked(node: ast.expr) -> str | None:
    """``x`` of ``x.dim()``, ``x.ndim``, ``len(x.shape)`` and ``len(x.size())``."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "len" and len(node.args) == 1:
        inner = node.args[0]
        inner = inner.func if isinstance(inner, ast.Call) else inner
        if isinstance(inner, ast.Attribute) and inner.attr in ("shape", "size") and isinstance(inner.value, ast.Name):
            return inner.value.id
        return None
    node = node.func if isinstance(node, ast.Call) and not node.args else node
    if (
        isinstance(node, ast.Attribute)
        and node.attr in ("dim", "ndim", "ndimension")
        and isinstance(node.value, ast.Name)
    ):
        return node.value.id
    return None


def is_container(parameter: ast.arg) -> bool:
    """Whether a parameter's annotation says it is a list, tuple or dict, of tensors or anything."""
    text = ast.unparse(parameter.annotation) if parameter.annotation is not None else ""
    text = re.sub(r"^(typing\.)?Optional\[(.*)\]$", r"\2", text.strip("'\""))
    return bool(_CONTAINERS.match(text))


def holds_tensors(parameter: ast.arg) -> bool:
    """Whether a parameter's annotation says it is a list or tuple of tensors, however many."""
    text = ast.unparse(parameter.annotation) if parameter.annotation is not None else ""
    return bool(_TENSOR_LISTS.match(text.strip("'\"")))


def _annotated_dtype(parameter: ast.arg, described: str) -> str | None:
    """The dtype that ``torch.LongTensor`` in the annotation or the description, or a conventional name, gives; None where
    nothing does."""
    annotation = ast.unparse(parameter.annotation) if parameter.annotation is not None else ""
    for text in (annotation, described):
        for kind, dtype in (("LongTensor", "i64"), ("IntTensor", "i32"), ("BoolTensor", "b8"), ("FloatTensor", "f32")):
            if kind in text:
                return dtype
    return named_dtype(parameter.arg)


def _annotated_shape(annotation: ast.expr | None) -> str | None:
    if isinstance(annotation, ast.Subscript) and isinstance(annotation.slice, ast.Tuple):
        last = annotation.slice.elts[-1]
        root = annotation.value
        name = root.attr if isinstance(root, ast.Attribute) else getattr(root, "id", "")
        if name in ("Float", "Int", "Bool", "Shaped", "Num", "Inexact", "Integer", "Float32", "Float16", "Int64"):
            if isinstance(last, ast.Constant) and isinstance(last.value, str):
                return last.value
    return None


__all__ = ["hints_in_source", "holds_tensors", "is_container"]
