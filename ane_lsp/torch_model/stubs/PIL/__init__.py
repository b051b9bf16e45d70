"""PIL: pictures are no tensors, which is all that is asked of them here."""

__version__ = "13.0.0"
