"""torch.export: exporting runs the model on its example."""

from torch import _C
from torch.nn.modules.module import Module


class ExportedProgram:
    def __init__(self, mod):
        self._mod = mod

    def module(self, check_guards=True):
        return self._mod

    def run_decompositions(self, decomp_table=None, **kwargs):
        return self


class Dim:
    AUTO = "AUTO"
    DYNAMIC = "DYNAMIC"
    STATIC = "STATIC"

    def __init__(self, name, *, min=None, max=None):
        self.__name__ = name
        self.min = min
        self.max = max


def dims(*names, min=None, max=None):
    return tuple(Dim(name, min=min, max=max) for name in names)


def export(mod, args=(), kwargs=None, *, dynamic_shapes=None, strict=False, preserve_module_call_signature=(), **options):
    _C._converts(mod, True)
    _C._returned(mod, mod(*args, **(kwargs or {})), "export")
    return ExportedProgram(mod)


def export_for_training(mod, args=(), kwargs=None, **options):
    return export(mod, args, kwargs)


def export_for_inference(mod, args=(), kwargs=None, **options):
    return export(mod, args, kwargs)


def draft_export(mod, args=(), kwargs=None, **options):
    return export(mod, args, kwargs)


def save(ep, f, **options):
    return None


def register_dataclass(cls, **kwargs):
    return None
