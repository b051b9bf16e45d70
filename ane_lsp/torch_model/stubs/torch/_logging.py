"""Exists in torch; nothing of it is modelled."""
