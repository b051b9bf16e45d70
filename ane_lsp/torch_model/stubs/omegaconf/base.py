"""omegaconf.base."""

from . import Container, Node, SCMode
