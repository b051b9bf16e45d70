"""PIL: pictures are no tensors, which is all that is asked of them here."""
