"""Gradients of convolutions: not modelled."""
