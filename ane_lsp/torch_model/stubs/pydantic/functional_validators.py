"""pydantic.functional_validators."""

from . import AfterValidator, BeforeValidator, InstanceOf, PlainValidator, SkipValidation, WrapValidator
from .validators import field_validator, model_validator
