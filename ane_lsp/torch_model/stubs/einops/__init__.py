"""einops: the functions are native."""

__version__ = "0.8.1"


class EinopsError(RuntimeError):
    pass
