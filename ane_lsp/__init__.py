"""ane-lsp: what the Apple Neural Engine will and will not run, from PyTorch source code.

>>> import ane_lsp
>>> found = ane_lsp.analyze_file("model.py", targets=["iPhone 15 Pro"])
>>> for finding in found.findings:
...     print(finding.span, finding.code, finding.message)

The names below load on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from ane_lsp._api import analyze, analyze_class, analyze_file, analyze_source, placements, render
    from ane_lsp.analysis import AnalysisError, FileAnalysis, ModelSummary
    from ane_lsp.checks.finding import Finding, Fix, Related, TextEdit
    from ane_lsp.graph import Graph, Span, TensorType
    from ane_lsp.placement import Placement
    from ane_lsp.workspace import Settings

__all__ = [
    "AnalysisError", "FileAnalysis", "Finding", "Fix", "Graph", "ModelSummary", "Placement", "Related", "Settings", "Span", "TensorType",
    "TextEdit", "__version__", "analyze", "analyze_class", "analyze_file", "analyze_source",
    "placements", "render",
]  # fmt: skip

_HOMES = {
    "ane_lsp._api": ("analyze", "analyze_class", "analyze_file", "analyze_source", "placements", "render"),
    "ane_lsp.analysis": ("AnalysisError", "FileAnalysis", "ModelSummary"),
    "ane_lsp.checks.finding": ("Finding", "Fix", "Related", "TextEdit"),
    "ane_lsp.graph": ("Graph", "Span", "TensorType"),
    "ane_lsp.placement": ("Placement",),
    "ane_lsp.workspace": ("Settings",),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            from importlib import import_module

            return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
