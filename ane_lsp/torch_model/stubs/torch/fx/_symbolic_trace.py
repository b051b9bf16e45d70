import torch
from torch.fx import Tracer, wrap


def is_fx_tracing():
    return torch.compiler.is_exporting()


def is_fx_symbolic_tracing():
    return False
