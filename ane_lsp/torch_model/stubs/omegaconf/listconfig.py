"""omegaconf.listconfig."""

from . import ListConfig
