"""``ane-lsp server``: the language server."""

from ane_lsp.server.main import add_arguments, run

__all__ = ["add_arguments", "run"]
