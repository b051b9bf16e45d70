"""What rules about source text share: names by their imports, places, and findings of pages."""

from __future__ import annotations

import ast

from ane_lsp.checks.engine import page_confidence
from ane_lsp.checks.finding import Finding, Related
from ane_lsp.graph import Span
from ane_lsp.graph.records import dataclass
from ane_lsp.knowledge import rules as pages
from ane_lsp.knowledge.evidence import Severity
from ane_lsp.knowledge.targets import Target

Located = ast.expr | ast.stmt


@dataclass(frozen=True, slots=True)
class Hit:
    """A place of which a rule says something. severity: None takes the page's."""

    code: str
    message: str
    node: Located
    related: tuple[Located, ...] = ()
    severity: Severity | None = None


class Names:
    """What the file's names stand for, by its imports."""

    def __init__(self, tree: ast.Module) -> None:
        self.known: dict[str, str] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self.known[alias.asname or alias.name.partition(".")[0]] = (
                        alias.name if alias.asname else alias.name.partition(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    self.known[alias.asname or alias.name] = f"{node.module}.{alias.name}"

    def dotted(self, node: ast.expr | None) -> str:
        """``ct.target.iOS17`` as ``coremltools.target.iOS17``; "" for anything else."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self.known:
            return ""
        return ".".join([self.known[node.id], *reversed(parts)])


def place(node: Located, file: str) -> Span:
    return Span(
        file, node.lineno, node.col_offset, node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
    )


def finding(hit: Hit, file: str, target: Target) -> Finding:
    page = pages.get(hit.code)
    return Finding(
        code=hit.code,
        name=page.name,
        message=hit.message,
        span=place(hit.node, file),
        severity=hit.severity or page.severity,
        confidence=page_confidence(page, target),
        evidence=tuple(e.evidence for e in page.evidence),
        related=tuple(Related(place(node, file), "the same here") for node in hit.related),
    )
