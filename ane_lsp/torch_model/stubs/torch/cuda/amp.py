from torch import amp as _amp
from torch.amp import GradScaler
from torch.amp import custom_bwd as _custom_bwd
from torch.amp import custom_fwd as _custom_fwd


class autocast(_amp.autocast):
    def __init__(self, enabled=True, dtype=None, cache_enabled=True):
        super().__init__("cuda", dtype, enabled, cache_enabled)


def custom_fwd(fwd=None, *, cast_inputs=None):
    return _custom_fwd(fwd)


def custom_bwd(bwd=None):
    return _custom_bwd(bwd)
