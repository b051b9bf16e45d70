"""Measurements of ane-lsp itself. Run side by side, never asserted in tests."""
