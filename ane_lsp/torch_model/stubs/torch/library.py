"""Custom operators: a call runs the fake implementation where there is one, else the function itself."""

from torch import _C
from torch._utils_stub import identity

_OPERATORS = {}  # by "namespace::name"


class CustomOpDef:
    def __init__(self, name, fn=None):
        self._name = name
        self._fn = fn
        self._fake = None
        _OPERATORS[name] = self

    @property
    def default(self):
        return self

    def __call__(self, *args, **kwargs):
        followed = self._fake if self._fake is not None else self._fn
        if followed is None:
            return _C._unknown(f"nothing is known of the operator {self._name} but its name")
        return _C._custom((*args, *kwargs.values()), followed(*args, **kwargs))

    def register_fake(self, fn):
        self._fake = fn
        return fn

    def register_autograd(self, backward, *, setup_context=None):
        return None

    def register_kernel(self, device_types, fn=None):
        return identity(fn)

    def register_vmap(self, func=None):
        return identity(func)

    def register_torch_dispatch(self, torch_dispatch_class, fn=None):
        return identity(fn)

    def register_autocast(self, device_type, cast_inputs):
        return None


def _named(op):
    """The operator of a name, with or without an overload; made where nobody has."""
    if isinstance(op, CustomOpDef):
        return op
    name = op.partition(".")[0]
    return _OPERATORS[name] if name in _OPERATORS else CustomOpDef(name)


def _keep(op, slot, fn):
    """Keep an implementation of an operator, now or as a decorator. Of several kernels the first counts."""
    found = _named(op)

    def kept(func):
        if getattr(found, slot) is None:
            setattr(found, slot, func)
        return func

    return kept if fn is None else kept(fn)


def custom_op(name, fn=None, *, mutates_args=(), device_types=None, schema=None, tags=None):
    if fn is not None:
        return CustomOpDef(name, fn)
    return lambda func: CustomOpDef(name, func)


def triton_op(name, fn=None, *, mutates_args=(), schema=None):
    return custom_op(name, fn)


def wrap_triton(triton_kernel):
    return triton_kernel


def define(qualname, schema=None, *, lib=None, tags=()):
    if isinstance(qualname, Library):
        qualname.define(schema)
    else:
        _named(qualname)
    return None if schema is not None else (lambda func: func)


def impl(qualname, types=None, func=None, *, lib=None):
    if isinstance(qualname, Library):  # the third is a dispatch key
        return _keep(f"{qualname.ns}::{types}", "_fn", None)
    return _keep(qualname, "_fn", func)


def impl_abstract(qualname, func=None, *, lib=None, _stacklevel=1):
    return _keep(qualname, "_fake", func)


def register_fake(op, func=None, /, *, lib=None, _stacklevel=1, allow_override=False):
    return _keep(op, "_fake", func)


def register_kernel(op, device_types, func=None, /, *, lib=None):
    return identity(func)


def register_autograd(op, backward, /, *, setup_context=None, lib=None):
    return None


def register_autocast(op, device_type, cast_inputs, /, *, lib=None):
    return None


def register_vmap(op, func=None, /, *, lib=None):
    return identity(func)


def opcheck(op, args, kwargs=None, **options):
    return {}


class Library:
    def __init__(self, ns, kind, dispatch_key=""):
        self.ns = ns
        self.kind = kind

    def define(self, schema, alias_analysis="", *, tags=()):
        name = schema.partition("(")[0].strip()
        _named(f"{self.ns}::{name}")
        return name

    def impl(self, op_name, fn, dispatch_key="", *, with_keyset=False):
        _keep(f"{self.ns}::{op_name}", "_fake" if dispatch_key == "Meta" else "_fn", fn)

    def fallback(self, fn, dispatch_key="", *, with_keyset=False):
        return None

    def _register_fake(self, op_name, fn, _stacklevel=1):
        _keep(f"{self.ns}::{op_name}", "_fake", fn)
