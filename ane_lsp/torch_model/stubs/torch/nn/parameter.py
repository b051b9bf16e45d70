"""The interpreter puts `Parameter`, `Buffer` and `UninitializedParameter` here."""


class UninitializedTensorMixin:
    pass


def is_lazy(param):
    return isinstance(param, (UninitializedParameter, UninitializedBuffer))
