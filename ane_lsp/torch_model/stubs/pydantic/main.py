"""pydantic.main."""

from .models import BaseModel, create_model
