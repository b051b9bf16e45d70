"""Quantization: stubs pass their input on, preparing and converting leave the model as it is."""

from torch._utils_stub import identity
from torch.nn.modules.module import Module


class QuantStub(Module):
    def __init__(self, qconfig=None):
        super().__init__()

    def forward(self, x):
        return x


class DeQuantStub(Module):
    def __init__(self, qconfig=None):
        super().__init__()

    def forward(self, x):
        return x


class QuantWrapper(Module):
    def __init__(self, module):
        super().__init__()
        self.quant = QuantStub()
        self.dequant = DeQuantStub()
        self.module = module

    def forward(self, X):
        return self.dequant(self.module(self.quant(X)))


class QConfig:
    def __init__(self, activation=None, weight=None):
        self.activation = activation
        self.weight = weight


def get_default_qconfig(backend="x86", version=0):
    return QConfig()


def get_default_qat_qconfig(backend="x86", version=1):
    return QConfig()


default_observer = default_weight_observer = default_per_channel_weight_observer = QConfig
default_qconfig = QConfig()


def fuse_modules(model, modules_to_fuse, inplace=False, **kwargs):
    return model


fuse_modules_qat = fuse_modules


def prepare(model, *args, **kwargs):
    return model


def prepare_qat(model, *args, **kwargs):
    return model


def convert(module, *args, **kwargs):
    return module


def disable_observer(mod):
    return None


def enable_observer(mod):
    return None
