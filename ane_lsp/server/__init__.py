"""The language server: documents and requests in, diagnostics, hovers, hints and edits out."""
