"""torchvision's C++ operators."""


def _cuda_version():
    return -1
