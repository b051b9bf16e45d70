"""omegaconf.omegaconf."""

from . import OmegaConf, flag_override, open_dict, read_write
