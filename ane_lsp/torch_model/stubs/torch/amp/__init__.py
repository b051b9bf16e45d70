"""Automatic mixed precision. It has no effect: dtypes are those of the weights and inputs."""

from torch._utils_stub import ContextDecorator, identity


class autocast(ContextDecorator):
    def __init__(self, device_type="cuda", dtype=None, enabled=True, cache_enabled=None):
        self.device = device_type
        self.fast_dtype = dtype
        self._enabled = enabled

    def __enter__(self):
        return self


class GradScaler:
    def __init__(self, *args, **kwargs):
        pass

    def scale(self, outputs):
        return outputs

    def unscale_(self, optimizer):
        return None

    def step(self, optimizer, *args, **kwargs):
        return None

    def update(self, new_scale=None):
        return None

    def get_scale(self):
        return 1.0

    def is_enabled(self):
        return False

    def state_dict(self):
        return {}

    def load_state_dict(self, state_dict):
        return None


def custom_fwd(fwd=None, *, device_type=None, cast_inputs=None):
    return identity(fwd)


def custom_bwd(bwd=None, *, device_type=None):
    return identity(bwd)


def is_autocast_available(device_type):
    return device_type == "cpu"
