"""The formats by name. A module is loaded only when its format is asked for."""

from __future__ import annotations

from ane_lsp.report.model import Report

FORMATS = ("text", "concise", "json", "github", "gitlab", "junit", "sarif", "markdown", "html")


def render(report: Report, format: str, color: bool = False) -> str:
    """The report in one of :data:`FORMATS`; `color` counts for the formats people read. Raises KeyError for others."""
    if format in ("text", "concise"):
        from ane_lsp.report import text

        return text.text(report, color) if format == "text" else text.concise(report, color)
    if format == "json":
        from ane_lsp.report import json_format

        return json_format.write(report)
    if format == "sarif":
        from ane_lsp.report import sarif

        return sarif.write(report)
    if format == "html":
        from ane_lsp.report import html

        return html.write(report)
    from ane_lsp.report import ci

    writers = {"github": ci.github, "gitlab": ci.gitlab, "junit": ci.junit, "markdown": ci.markdown}
    return writers[format](report)
