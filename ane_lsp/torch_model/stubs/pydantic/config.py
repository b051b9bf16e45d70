"""pydantic.config."""

from . import ConfigDict, Extra
