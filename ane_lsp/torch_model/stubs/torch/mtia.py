"""torch.mtia: there is no such device."""


def is_available():
    return False


def device_count():
    return 0


def is_initialized():
    return False


def synchronize(device=None):
    return None


def empty_cache():
    return None


def manual_seed(seed):
    return None


def manual_seed_all(seed):
    return None


def set_device(device):
    return None


def is_bf16_supported(*args):
    return False


def is_current_stream_capturing():
    return False
