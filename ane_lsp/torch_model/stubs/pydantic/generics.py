"""pydantic.generics: any model may be generic."""

from .models import BaseModel as GenericModel
