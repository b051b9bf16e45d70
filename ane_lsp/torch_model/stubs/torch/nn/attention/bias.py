"""Causal masks as objects."""

import torch


class CausalVariant:
    UPPER_LEFT = 1
    LOWER_RIGHT = 2


def causal_upper_left(*size):
    rows, cols = size
    return torch.ones(rows, cols, dtype=torch.bool).tril(diagonal=0)


def causal_lower_right(*size):
    rows, cols = size
    return torch.ones(rows, cols, dtype=torch.bool).tril(diagonal=cols - rows)
