"""ane-lsp: what the Apple Neural Engine will and will not run, from PyTorch source code."""

__version__ = "0.1.0"
