"""Where a rule's page can be read."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ane_lsp.server import uris


@cache
def rule_uri(code: str) -> str | None:
    """The URI of a rule's page: the Markdown file that ships with the package. None for an unknown code."""
    from ane_lsp.knowledge import files, rules

    try:
        name = f"{code}-{rules.rule_name(code)}.md"
    except (KeyError, ValueError, OSError):
        return None
    path = Path(str(files.root())) / name
    return uris.from_path(path) if path.is_file() else None
