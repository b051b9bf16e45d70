"""pydantic.v1: the same names."""

from pydantic import *
from pydantic import BaseModel as BaseSettings
