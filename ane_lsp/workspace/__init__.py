"""Which files exist and what they hold: overlays of open documents, import resolution, settings, caches."""

from ane_lsp.workspace.resolve import ModuleFile
from ane_lsp.workspace.settings import Settings
from ane_lsp.workspace.workspace import Dependencies, Workspace

__all__ = ["Dependencies", "ModuleFile", "Settings", "Workspace"]
