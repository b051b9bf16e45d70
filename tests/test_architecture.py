"""Imports run one way. The table is the one in docs/architecture.md."""

import ast
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "ane_lsp"

# Part to the parts it may import. Shared plain data (findings and the words of evidence) may be used everywhere.
ALLOWED = {
    "graph": set(),
    "knowledge": {"graph"},
    "syntax": {"graph"},
    "workspace": {"graph", "syntax", "knowledge"},
    "torch_model": {"graph"},
    "_memory": set(),
    "interp": {"graph", "syntax", "workspace", "torch_model", "_memory"},
    "checks": {"graph", "knowledge", "torch_model"},
    "placement": {"graph", "knowledge"},
    "fixes": {"graph", "syntax", "checks", "knowledge", "torch_model"},
    "analysis": {"graph", "syntax", "workspace", "torch_model", "_memory", "interp", "checks", "knowledge", "placement", "fixes"},
    "verify": {"graph", "checks", "placement", "knowledge", "analysis", "workspace", "syntax", "report", "fixes"},
    "report": {"graph", "syntax", "checks", "knowledge", "analysis", "placement", "fixes"},
    "stored": {"graph", "workspace", "checks", "knowledge", "analysis", "report"},
    "_cells": {"graph", "analysis"},
    "_api": {"graph", "syntax", "workspace", "checks", "knowledge", "analysis", "placement", "fixes", "verify", "report", "_cells"},
    "pytest_plugin": {"graph", "checks", "knowledge", "analysis", "_api"},
    "server": {"graph", "syntax", "workspace", "checks", "knowledge", "analysis", "placement", "fixes", "verify", "report", "_memory", "stored"},
    "cli": {"graph", "syntax", "workspace", "checks", "knowledge", "analysis", "placement", "fixes", "verify", "report", "server", "_api", "_memory", "stored"},
}  # fmt: skip
SHARED = ("ane_lsp.checks.finding", "ane_lsp.knowledge.evidence")
LSP = ("pygls", "lsprotocol")


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "stubs" not in path.parts and "_rules" not in path.parts)


def part_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


@cache
def imports(path: Path) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            module = node.module or ""
            submodules = [f"{module}.{alias.name}" for alias in node.names]
            is_package = (PACKAGE.parent / module.replace(".", "/")).is_dir()
            found += [(node.lineno, name if is_package else module) for name in submodules]
    return found


def test_every_part_is_in_the_table() -> None:
    parts = {part_of(path) for path in modules()} - {"__init__", "__main__"}
    assert parts <= ALLOWED.keys(), f"say in this table what {parts - ALLOWED.keys()} may import"


def test_imports_run_one_way() -> None:
    wrong = []
    for path in modules():
        part = part_of(path)
        if part in ("__init__", "__main__"):
            continue
        for line, name in imports(path):
            if not name.startswith("ane_lsp.") or name.startswith(SHARED):
                continue
            target = name.split(".")[1]
            if target != part and target not in ALLOWED[part] and target != "__version__":
                wrong.append(f"{path.relative_to(PACKAGE.parent)}:{line}: {part} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_the_table_has_no_circle() -> None:
    order: list[str] = []
    left = dict(ALLOWED)
    while left:
        free = [part for part, needs in left.items() if not (needs & left.keys())]
        assert free, f"a circle among {sorted(left)}"
        order += free
        for part in free:
            del left[part]


@pytest.mark.parametrize("heavy", ["torch", "numpy", "coremltools", "timm", "transformers"])
def test_only_the_verify_worker_imports_what_users_import(heavy: str) -> None:
    wrong = [
        f"{path.relative_to(PACKAGE.parent)}:{line}"
        for path in modules()
        if part_of(path) != "verify"
        for line, name in imports(path)
        if name.split(".")[0] == heavy
    ]
    assert not wrong


def test_only_the_server_knows_the_protocol() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE.parent)}:{line}"
        for path in modules()
        if part_of(path) != "server"
        for line, name in imports(path)
        if name.split(".")[0] in LSP
    ]
    assert not wrong


# What is found out from a node that an exchange leaves as it is, or that it brings up to date itself.
LASTING = {"_acts", "_signature", "_without_stand_in"}


def test_what_is_kept_on_a_node_of_a_tree_is_forgotten_where_the_node_changes():
    from ane_lsp.syntax.exchange import CACHES

    kept = {
        node.args[1].value
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "getattr"
        and isinstance(node.args[0], ast.Name)
        and node.args[0].id in ("node", "code", "function", "statement", "block")
        and isinstance(node.args[1], ast.Constant)
        and str(node.args[1].value).startswith("_")
        and not str(node.args[1].value).startswith(("__", "_fields"))
    }
    assert {"_plain", "_yields"} <= kept
    assert kept - LASTING <= set(CACHES)
