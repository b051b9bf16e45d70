"""Custom operators: a call runs the fake implementation where there is one, else the function itself."""

from torch._utils_stub import identity


class CustomOpDef:
    def __init__(self, name, fn):
        self._name = name
        self._fn = fn
        self._fake = None

    def __call__(self, *args, **kwargs):
        if self._fake is not None:
            return self._fake(*args, **kwargs)
        return self._fn(*args, **kwargs)

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


def custom_op(name, fn=None, *, mutates_args=(), device_types=None, schema=None, tags=None):
    if fn is not None:
        return CustomOpDef(name, fn)
    return lambda func: CustomOpDef(name, func)


def triton_op(name, fn=None, *, mutates_args=(), schema=None):
    return custom_op(name, fn)


def wrap_triton(triton_kernel):
    return triton_kernel


def define(qualname, schema=None, *, lib=None, tags=()):
    return None if schema is not None else (lambda func: func)


def impl(qualname, types=None, func=None, *, lib=None):
    return identity(func)


def impl_abstract(qualname, func=None, *, lib=None, _stacklevel=1):
    return identity(func)


def register_fake(op, func=None, /, *, lib=None, _stacklevel=1, allow_override=False):
    if isinstance(op, CustomOpDef):
        return op.register_fake(func) if func is not None else op.register_fake
    return identity(func)


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
        return None

    def impl(self, op_name, fn, dispatch_key="", *, with_keyset=False):
        return None

    def fallback(self, fn, dispatch_key="", *, with_keyset=False):
        return None

    def _register_fake(self, op_name, fn, _stacklevel=1):
        return None
