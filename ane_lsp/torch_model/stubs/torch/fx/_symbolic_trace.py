from torch.fx import Tracer, wrap


def is_fx_tracing():
    return False


def is_fx_symbolic_tracing():
    return False
