"""torch.ops: operators of extensions. The ones that are known are native, or registered by the program."""

from torch import _C, library


class _Namespace:
    def __init__(self, name):
        self._name = name

    def __getattr__(self, name):
        found = library._OPERATORS.get(f"{self._name}::{name}")
        return found if found is not None else _C._unknown(f"torch.ops.{self._name}.{name} is not modelled")


def __getattr__(name):
    return _Namespace(name)


def load_library(path):
    return None


def import_module(module):
    return None
