"""pydantic.dataclasses: dataclasses whose fields are made into what their annotations say."""

import dataclasses as _dataclasses

from .fields import FieldInfo, PydanticUndefined
from .models import checked
from .validators import Checking


def dataclass(_cls=None, *, init=False, repr=True, eq=True, order=False, unsafe_hash=False, frozen=False, config=None,
              validate_on_init=None, kw_only=False, slots=False):  # fmt: skip
    def make(cls):
        checks = {}
        for base in reversed(cls.__mro__[1:]):
            checks.update(base.__dict__.get("__pydantic_checks__", {}))
        for name, value in list(cls.__dict__.items()):
            if isinstance(value, FieldInfo):
                said = {"kw_only": value.kw_only} if value.kw_only is not None else {}
                if value.default_factory is not None:
                    said["default_factory"] = value.default_factory
                elif value.default is not PydanticUndefined:
                    said["default"] = value.default
                setattr(cls, name, _dataclasses.field(**said))
            elif isinstance(value, Checking):
                setattr(cls, name, value.func)
                checks[name] = value
        cls.__pydantic_checks__ = checks
        after = cls.__dict__.get("__post_init__")

        def __post_init__(self, *given):
            values, made = {}, dict(config or {})
            for field in _dataclasses.fields(cls):
                value = checked(cls, field.name, getattr(self, field.name), values, made)
                values[field.name] = value
                object.__setattr__(self, field.name, value)
            if after is not None:
                after(self, *given)
            for name, check in checks.items():
                if check.kind == "model" and check.mode == "after":
                    getattr(self, name)()

        cls.__post_init__ = __post_init__
        return _dataclasses.dataclass(cls, repr=repr, eq=eq, order=order, unsafe_hash=unsafe_hash, frozen=frozen, kw_only=kw_only)

    return make if _cls is None else make(_cls)


def rebuild_dataclass(cls, **options):
    return None


def is_pydantic_dataclass(class_):
    return "__pydantic_checks__" in class_.__dict__ and _dataclasses.is_dataclass(class_)
