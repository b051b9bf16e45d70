"""Output formats. Each module turns a :class:`~ane_lsp.report.model.Report` into text; none knows how it was made."""
