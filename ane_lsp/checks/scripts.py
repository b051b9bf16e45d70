"""Rules about what is written around a model: what coremltools is told, and torch's control-flow operators.

Flexible shapes, precision and weight compression are decided where ``coremltools.convert`` is called, not in the model. These
rules look at calls whose function is known by the imports to be coremltools' (or torch's) own; an argument that is not written
there is not guessed.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator

from ane_lsp.checks.finding import Finding
from ane_lsp.checks.source import Hit, Names, finding
from ane_lsp.graph.builder import OPSETS
from ane_lsp.graph.records import dataclass
from ane_lsp.knowledge.targets import Target

# A file without any of these words has nothing for these rules.
WORDS = ("coremltools", "torch.cond", "while_loop", "higher_order")
_CONTROL_FLOW = frozenset({
    "torch.cond", "torch.while_loop", "torch.ops.higher_order.cond", "torch.ops.higher_order.while_loop", "torch.ops.higher_order.scan",
    "torch._higher_order_ops.cond", "torch._higher_order_ops.while_loop", "torch._higher_order_ops.scan",
})  # fmt: skip
# coremltools refuses more enumerated shapes than this.
MAX_SHAPES = 128
_MACOS = {"macOS12": "iOS15", "macOS13": "iOS16", "macOS14": "iOS17", "macOS15": "iOS18", "macOS26": "iOS26"}


@dataclass(frozen=True, slots=True)
class _Site:
    """A call of a function these rules know, by its full name's last part. `inside`: names of the coremltools calls around it, innermost first."""

    name: str
    node: ast.Call
    inside: tuple[str, ...]

    def keyword(self, name: str) -> ast.expr | None:
        return next((k.value for k in self.node.keywords if k.arg == name), None)


def check(tree: ast.Module, file: str, target: Target) -> list[Finding]:
    """Findings about a file's calls of coremltools."""
    names = Names(tree)
    sites = list(_sites(tree, names, ()))
    return [finding(hit, file, target) for rule in _RULES for hit in rule(sites, names)]


def _sites(node: ast.AST, names: Names, inside: tuple[str, ...]) -> Iterator[_Site]:
    if isinstance(node, ast.Call):
        full = names.dotted(node.func)
        if full.startswith("coremltools.") or full in _CONTROL_FLOW:
            name = full.rsplit(".", 1)[-1] if full.startswith("coremltools.") else full
            yield _Site(name, node, inside)
            inside = (name, *inside)
    for child in ast.iter_child_nodes(node):
        yield from _sites(child, names, inside)


def _avoids_ane(site: _Site, names: Names) -> bool:
    return names.dotted(site.keyword("compute_units")).endswith(("CPU_ONLY", "CPU_AND_GPU"))


def _fp32(sites: list[_Site], names: Names) -> Iterator[Hit]:
    for site in sites:
        precision = site.keyword("compute_precision")
        if (
            site.name == "convert"
            and names.dotted(precision).endswith("precision.FLOAT32")
            and not _avoids_ane(site, names)
        ):
            assert precision is not None
            yield Hit(
                "ANE255",
                "A model converted with FLOAT32 precision does not run on the ANE, which computes in fp16 (Apple's conversion guide). Leave the "
                "default, and exclude single operations with an op_selector where accuracy asks for it.",
                precision,
            )


def _ranges(sites: list[_Site], names: Names) -> Iterator[Hit]:
    flexible = [s for s in sites if s.name == "RangeDim" and "StateType" not in s.inside]
    if flexible:
        yield Hit(
            "ANE606",
            "With RangeDim only the default shape may run on the ANE (Apple's conversion guide). Use fixed shapes, ct.EnumeratedShapes with up to "
            "128 shapes, or one function for each shape.",
            flexible[0].node,
            tuple(s.node for s in flexible[1:6]),
        )


def _shapes(sites: list[_Site], names: Names) -> Iterator[Hit]:
    for site in sites:
        given = site.keyword("shapes") or (site.node.args[0] if site.node.args else None)
        count = _length(given) if site.name == "EnumeratedShapes" else None
        if given is not None and count is not None and count > MAX_SHAPES:
            yield Hit(
                "ANE607",
                f"{count} enumerated shapes are refused: coremltools takes up to {MAX_SHAPES} (Apple's conversion guide). Round the sizes "
                "up to fewer steps, or split them over several functions.",
                given,
            )


def _length(node: ast.expr | None) -> int | None:
    """How many items a list written in place has, None where that is not certain."""
    if isinstance(node, (ast.List, ast.Tuple)):
        return None if any(isinstance(item, ast.Starred) for item in node.elts) else len(node.elts)
    if isinstance(node, ast.ListComp):
        lengths = [None if part.ifs else _length(part.iter) for part in node.generators]
        return None if None in lengths else math.prod(length for length in lengths if length is not None)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range" and not node.keywords:
        try:
            return len(range(*(ast.literal_eval(bound) for bound in node.args)))
        except (TypeError, ValueError):
            return None
    return None


def _blocks(sites: list[_Site], names: Names) -> Iterator[Hit]:
    for site in sites:
        granularity = site.keyword("granularity")
        if isinstance(granularity, ast.Constant) and granularity.value == "per_block":
            yield Hit(
                "ANE706",
                "Weights with a scale for each block left the ANE (measured on M5 Pro and M4 Max); Apple recommends one scale for each channel, or "
                "palettization, for the ANE. Use per_channel or a palettizer.",
                granularity,
            )


def _channel_scale(sites: list[_Site], names: Names) -> Iterator[Hit]:
    for site in sites:
        scale = site.keyword("enable_per_channel_scale")
        if isinstance(scale, ast.Constant) and scale.value is True:
            yield Hit(
                "ANE707",
                "Palettized weights with a scale for each channel are reported to leave the ANE or to crash on it (macOS 26; Apple's Core AI notes). "
                "Use smaller groups (granularity='per_grouped_channel') instead.",
                scale,
            )


def _states(sites: list[_Site], names: Names) -> Iterator[Hit]:
    for site in sites:
        if site.name == "RangeDim" and "StateType" in site.inside:
            yield Hit(
                "ANE708",
                "A state cannot have a flexible shape (apple/coremltools#2537; coremltools 9.0). Give it its largest size and mask the unused part.",
                site.node,
            )
        if site.name != "convert" or site.keyword("states") is None:
            continue
        chosen = site.keyword("minimum_deployment_target")
        opset = names.dotted(chosen).rsplit(".", 1)[-1]
        opset = _MACOS.get(opset, opset)
        if chosen is not None and opset in OPSETS and OPSETS.index(opset) < OPSETS.index("iOS18"):
            yield Hit(
                "ANE709",
                f"States need iOS 18 or macOS 15, and the deployment target is {opset} (Apple's conversion guide). Raise it, or pass the tensors in "
                "and return them.",
                chosen,
            )


def _control_flow(sites: list[_Site], names: Names) -> Iterator[Hit]:
    for site in sites:
        if site.name in _CONTROL_FLOW:
            yield Hit(
                "ANE604",
                f"{site.name} does not convert: torch.jit.trace refuses it, and coremltools 9.0 fails on the exported graph (seen with torch "
                "2.13). Compute both sides and choose with torch.where, or unroll the loop.",
                site.node,
            )


_RULES: tuple[Callable[[list[_Site], Names], Iterator[Hit]], ...] = (
    _fp32,
    _ranges,
    _shapes,
    _blocks,
    _channel_scale,
    _states,
    _control_flow,
)
CODES = ("ANE255", "ANE604", "ANE606", "ANE607", "ANE706", "ANE707", "ANE708", "ANE709")
