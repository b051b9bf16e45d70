"""Source text to trees and positions."""

from ane_lsp.syntax.positions import LineTable
from ane_lsp.syntax.source import SourceFile, SyntaxProblem, read_source, source_from_text

__all__ = ["LineTable", "SourceFile", "SyntaxProblem", "read_source", "source_from_text"]
