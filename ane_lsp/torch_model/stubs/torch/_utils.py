"""Exists in torch; hardly anything of it is modelled."""

import torch


def is_compiling():
    return torch.compiler.is_compiling()
