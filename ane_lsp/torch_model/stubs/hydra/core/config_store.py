"""hydra.core.config_store: configurations that programs have put there."""

from .._compose import STORED


class ConfigStore:
    _one = None

    @staticmethod
    def instance(*args, **kwargs):
        if ConfigStore._one is None:
            ConfigStore._one = ConfigStore()
        return ConfigStore._one

    def store(self, name, node, group=None, package=None, provider=None):
        STORED[group or "", name.removesuffix(".yaml")] = node
