"""Which attention kernel runs is no concern of a shape."""


class SDPBackend:
    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


WARN_FOR_UNFUSED_KERNELS = False


class sdpa_kernel:
    def __init__(self, backends=None, set_priority=False):
        self.backends = backends

    def __enter__(self):
        return None

    def __exit__(self, *exc):
        return None

    def __call__(self, func):
        return func
