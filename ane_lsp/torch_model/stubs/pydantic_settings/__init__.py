"""pydantic_settings: models that take what they are not given from the environment, of which nothing is known here: their defaults."""

from pydantic import BaseModel


def SettingsConfigDict(**settings):
    return settings


class BaseSettings(BaseModel):
    model_config = {"extra": "forbid"}
