"""pydantic: classes that make what they are given into what their annotations say. Limits of values are not checked here."""

import json
from typing import Any

from _ane_annotations import fitted_to
from torch import _C

from .fields import AliasChoices, AliasPath, Field, FieldInfo, PrivateAttr, PydanticUndefined, ModelPrivateAttr
from .models import BaseModel, RootModel, ValidationError, ValidationInfo, create_model
from .validators import (
    computed_field,
    field_serializer,
    field_validator,
    model_serializer,
    model_validator,
    root_validator,
    validator,
)

VERSION = __version__ = "2.14.4"


class PydanticUserError(TypeError):
    pass


class PydanticSchemaGenerationError(PydanticUserError):
    pass


class PydanticUndefinedAnnotation(NameError):
    pass


class Extra:
    allow, ignore, forbid = "allow", "ignore", "forbid"


def ConfigDict(**settings):
    return settings


class BeforeValidator:
    def __init__(self, func, json_schema_input_type=None):
        self.func = func


class AfterValidator:
    def __init__(self, func):
        self.func = func


class PlainValidator:
    def __init__(self, func, json_schema_input_type=None):
        self.func = func


class WrapValidator:
    def __init__(self, func, json_schema_input_type=None):
        self.func = func


class PlainSerializer:
    def __init__(self, func, return_type=None, when_used="always"):
        self.func = func


class WrapSerializer(PlainSerializer):
    pass


class StringConstraints:
    def __init__(self, **options):
        self.options = options


class Strict:
    def __init__(self, strict=True):
        self.strict = strict


class Discriminator:
    def __init__(self, discriminator, **options):
        self.discriminator = discriminator


class Tag:
    def __init__(self, tag):
        self.tag = tag


class WithJsonSchema:
    def __init__(self, *args, **kwargs):
        pass


class SkipValidation:
    pass


class InstanceOf:
    pass


class TypeAdapter:
    def __init__(self, type, *, config=None, **options):
        self._type = type

    def validate_python(self, object, /, **options):
        return fitted_to(self._type, object)

    def validate_json(self, data, /, **options):
        return fitted_to(self._type, json.loads(data))

    def dump_python(self, instance, /, **options):
        return _C._unknown("what a TypeAdapter writes is not modelled")

    def json_schema(self, **options):
        return _C._unknown("what a TypeAdapter writes is not modelled")


def validate_call(func=None, /, *, config=None, validate_return=False):
    return validate_call if func is None else func


validate_arguments = validate_call


def parse_obj_as(type_, obj, *, type_name=None):
    return fitted_to(type_, obj)


def with_config(config=None, /, **settings):
    return lambda cls: cls


def conint(**limits):
    return int


def confloat(**limits):
    return float


def constr(**limits):
    return str


def conbytes(**limits):
    return bytes


def conlist(item_type=None, **limits):
    return list


def conset(item_type=None, **limits):
    return set


def condecimal(**limits):
    return Any


PositiveInt = NegativeInt = NonNegativeInt = NonPositiveInt = StrictInt = int
PositiveFloat = NegativeFloat = NonNegativeFloat = NonPositiveFloat = StrictFloat = FiniteFloat = float
StrictStr = EmailStr = NameEmail = str
StrictBool = bool
StrictBytes = bytes
AnyUrl = AnyHttpUrl = HttpUrl = FilePath = DirectoryPath = NewPath = Json = ImportString = ByteSize = SerializeAsAny = Any
SecretStr = SecretBytes = UUID1 = UUID3 = UUID4 = UUID5 = Secret = OnErrorOmit = FailFast = Any


def __getattr__(name):
    if name[:1] == "_":
        raise AttributeError(f"module 'pydantic' has no attribute {name!r}")
    return _C._unknown(f"`pydantic.{name}` is not modelled")
