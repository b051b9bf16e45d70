"""Checkpoints are never read: a model is what its class builds, whatever its weights."""

from torch import _C
from torch._utils_stub import ContextDecorator


def load(f, map_location=None, pickle_module=None, *, weights_only=None, mmap=None, **pickle_load_args):
    return _C._unknown(
        "what a checkpoint holds is not known: build the model from its class, and give it the weights with load_state_dict()"
    )


class safe_globals(ContextDecorator):
    pass


class skip_data(ContextDecorator):
    pass


def add_safe_globals(safe_globals):
    return None


def get_safe_globals():
    return []


def clear_safe_globals():
    return None


def register_package(priority, tagger, deserializer):
    return None
