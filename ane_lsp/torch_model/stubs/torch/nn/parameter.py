"""The interpreter puts `Parameter`, `Buffer` and `UninitializedParameter` here."""


def is_lazy(param):
    return getattr(param, "_uninitialized", False)
