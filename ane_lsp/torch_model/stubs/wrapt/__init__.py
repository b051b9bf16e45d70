"""wrapt: decorators that look at whom they are called for. What they do is not followed: a function that they decorate is taken as it is
written, as one is that a decorator nobody knows decorates."""

from torch import _C

__version__ = "2.0.0"


def decorator(wrapper=None, /, *, enabled=None, adapter=None, proxy=None):
    if wrapper is None:
        return decorator

    def decorate(*wrapped):  # behind the object that it is a method of, where it is one
        return _C._unknown("what a decorator of wrapt makes of a function is not followed")

    return decorate


def __getattr__(name):
    if name[:1] == "_":
        raise AttributeError(f"module 'wrapt' has no attribute {name!r}")
    return _C._unknown(f"`wrapt.{name}` is not modelled")
