"""Document links: rule codes in comments and settings files lead to the rule's page."""

from __future__ import annotations

from lsprotocol import types as lsp

from ane_lsp.graph import Span
from ane_lsp.server.features.hover import CODE, COMMENT
from ane_lsp.server.features.view import View
from ane_lsp.server.pages import rule_uri
from ane_lsp.syntax.positions import utf8_length


def document_links(view: View) -> list[lsp.DocumentLink]:
    """Every code whose page exists."""
    if "ANE" not in view.text.text:
        return []
    found = []
    path = str(view.unit.path)
    for number in range(1, len(view.text.lines) + 1):
        line = view.text.line(number)
        if "ANE" not in line:
            continue
        first = 0
        if view.unit.kind != "settings":
            comment = COMMENT.search(line)
            if comment is None:
                continue
            first = comment.start()
        for match in CODE.finditer(line, first):
            uri = rule_uri(match[0])
            if uri:
                start = utf8_length(line[: match.start()])
                span = Span(path, number, start, number, start + len(match[0]))
                found.append(lsp.DocumentLink(view.range(span), uri, f"Read about {match[0]}"))
    return found
