from torch._utils_stub import ContextDecorator


class _MatMul:
    allow_tf32 = False
    allow_fp16_reduced_precision_reduction = True
    allow_bf16_reduced_precision_reduction = True
    fp32_precision = "none"


matmul = _MatMul()


def is_built():
    return False


def flash_sdp_enabled():
    return True


def mem_efficient_sdp_enabled():
    return True


def math_sdp_enabled():
    return True


def cudnn_sdp_enabled():
    return True


def enable_flash_sdp(enabled):
    return None


def enable_mem_efficient_sdp(enabled):
    return None


def enable_math_sdp(enabled):
    return None


def enable_cudnn_sdp(enabled):
    return None


def preferred_linalg_library(backend=None):
    return None


class sdp_kernel(ContextDecorator):
    pass
