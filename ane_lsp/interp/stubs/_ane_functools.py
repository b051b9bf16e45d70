"""Parts of functools that are easiest said in Python, as interpreted source."""

from typing import get_args, get_type_hints


def _root(cls):
    names = ("__lt__", "__le__", "__gt__", "__ge__")
    for base in cls.__mro__:
        if base is object:
            break
        for name in names:
            if name in getattr(base, "__dict__", {}):
                return name
    raise ValueError("must define at least one ordering operation: < > <= >=")


def total_ordering(cls):
    root = _root(cls)

    def equal(self, other):
        return self == other

    if root == "__lt__":
        made = {
            "__gt__": lambda self, other: not (self < other) and not equal(self, other),
            "__le__": lambda self, other: self < other or equal(self, other),
            "__ge__": lambda self, other: not self < other,
        }
    elif root == "__le__":
        made = {
            "__ge__": lambda self, other: not (self <= other) or equal(self, other),
            "__lt__": lambda self, other: self <= other and not equal(self, other),
            "__gt__": lambda self, other: not self <= other,
        }
    elif root == "__gt__":
        made = {
            "__lt__": lambda self, other: not (self > other) and not equal(self, other),
            "__ge__": lambda self, other: self > other or equal(self, other),
            "__le__": lambda self, other: not self > other,
        }
    else:
        made = {
            "__le__": lambda self, other: not (self >= other) or equal(self, other),
            "__gt__": lambda self, other: self >= other and not equal(self, other),
            "__lt__": lambda self, other: not self >= other,
        }
    for name, function in made.items():
        if not any(name in getattr(base, "__dict__", {}) for base in cls.__mro__ if base is not object):
            setattr(cls, name, function)
    return cls


def cmp_to_key(mycmp):
    class K:
        def __init__(self, obj):
            self.obj = obj

        def __lt__(self, other):
            return mycmp(self.obj, other.obj) < 0

        def __gt__(self, other):
            return mycmp(self.obj, other.obj) > 0

        def __eq__(self, other):
            return mycmp(self.obj, other.obj) == 0

        def __le__(self, other):
            return mycmp(self.obj, other.obj) <= 0

        def __ge__(self, other):
            return mycmp(self.obj, other.obj) >= 0

    return K


def _annotated(func):
    """The types that the first annotation of a function names: ``A``, ``A | B`` or ``Union[A, B]``."""
    kind = next(iter(get_type_hints(func).values()))
    return get_args(kind) or (kind,)


def singledispatch(func):
    registry = {object: func}

    def dispatch(cls):
        for base in getattr(cls, "__mro__", (cls, object)):
            if base in registry:
                return registry[base]
        return registry[object]

    def register(cls, func=None):
        if func is None:
            if isinstance(cls, type):
                return lambda f: register(cls, f)
            func = cls
            for kind in _annotated(func):
                registry[kind] = func
            return func
        registry[cls] = func
        return func

    def wrapper(*args, **kwargs):
        return dispatch(type(args[0]))(*args, **kwargs)

    wrapper.register = register
    wrapper.dispatch = dispatch
    wrapper.registry = registry
    wrapper.__wrapped__ = func
    return wrapper


class singledispatchmethod:
    def __init__(self, func):
        self.dispatcher = singledispatch(func)
        self.func = func

    def register(self, cls, method=None):
        return self.dispatcher.register(cls, func=method)

    def __get__(self, obj, cls=None):
        def method(*args, **kwargs):
            return self.dispatcher.dispatch(type(args[0]))(obj, *args, **kwargs)

        return method
