"""Tells jupyter-lsp about the server: the ``jupyter_lsp_spec_v1`` entry point."""

from __future__ import annotations

from typing import Any

from ane_lsp.server.launch import serve_command


def spec(manager: Any = None) -> dict[str, Any]:
    """Language servers this package brings, in the form jupyter-lsp wants."""
    return {
        "ane-lsp": {
            "version": 2,
            "argv": serve_command(),
            "languages": ["python"],
            "mime_types": ["text/x-python", "text/x-ipython"],
            "display_name": "ane-lsp",
        }
    }
