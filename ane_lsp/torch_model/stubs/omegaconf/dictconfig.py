"""omegaconf.dictconfig."""

from . import DictConfig
