"""huggingface_hub.dataclasses: dataclasses with validation. Values are not validated here."""

from dataclasses import field, fields, is_dataclass


def strict(cls=None, *, accept_kwargs=False):
    """The class with, on request, an ``__init__`` that stores unknown keyword arguments as attributes."""

    def wrap(cls):
        if not accept_kwargs:
            return cls
        original = cls.__init__

        def __init__(self, *args, **kwargs):
            names = {f.name for f in fields(cls)}
            known = {k: v for k, v in kwargs.items() if k in names}
            extra = {k: v for k, v in kwargs.items() if k not in names}
            if not hasattr(cls, "__post_init__"):
                original(self, *args, **known)
                for name, value in extra.items():
                    setattr(self, name, value)
                return
            for f in fields(cls):
                if f.name in known:
                    setattr(self, f.name, known[f.name])
                elif f.default is not f.default_factory and not _is_missing(f.default):
                    setattr(self, f.name, f.default)
                elif not _is_missing(f.default_factory):
                    setattr(self, f.name, f.default_factory())
            self.__post_init__(**extra)

        cls.__init__ = __init__
        return cls

    return wrap(cls) if cls is not None else wrap


def _is_missing(value):
    from dataclasses import MISSING

    return value is MISSING


def validated_field(validator, default=None, **kwargs):
    """A dataclass field."""
    return field(default=default, **kwargs)


def as_validated_field(validator):
    """A function that makes fields with the validator."""

    def make(default=None, **kwargs):
        return field(default=default, **kwargs)

    return make


def validate_typed_dict(schema, data):
    """No validation."""


def type_validator(name, value, expected_type):
    """No validation."""
