"""Downloads: not modelled."""
