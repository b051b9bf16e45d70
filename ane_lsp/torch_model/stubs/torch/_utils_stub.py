"""What several stubs share."""


class ContextDecorator:
    """A context manager without effect that is also a decorator, called or not: the function stays as it is."""

    def __new__(cls, *args, **kwargs):
        if len(args) == 1 and not kwargs and callable(args[0]):
            return args[0]
        return object.__new__(cls)

    def __init__(self, *args, **kwargs):
        pass

    def __enter__(self):
        return None

    def __exit__(self, *exc):
        return None

    def __call__(self, func):
        return func


def identity(obj=None, *args, **kwargs):
    """A decorator without effect: `@f` or `@f(...)`."""
    if callable(obj):
        return obj
    return lambda func: func
