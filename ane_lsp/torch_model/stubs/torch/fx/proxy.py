from torch import _C


class Proxy:
    """What a traced value is: nothing is traced, so nothing of it is known."""

    def __new__(cls, *args, **kwargs):
        return _C._unknown("what torch.fx makes of a model is not read")


class TraceError(ValueError):
    pass


class TracerBase:
    pass
