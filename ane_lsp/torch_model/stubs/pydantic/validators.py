"""Functions of a class that check its fields, or all of an object."""

import inspect


class Checking:
    """A function that checks. kind: "field" or "model". names: of the fields. mode: "before", "after", "plain" or "wrap". values: as
    pydantic 1 has it, it is given what was checked before."""

    def __init__(self, func, kind, names, mode, values=False):
        self.func = func
        self.kind = kind
        self.names = names
        self.mode = mode
        self.values = values


def _of_class(func):
    """The function as an attribute of the class: a method of the class, unless it says otherwise or takes an object."""
    if isinstance(func, (classmethod, staticmethod)):
        return func
    return classmethod(func)


def field_validator(field, /, *fields, mode="after", check_fields=None, json_schema_input_type=None):
    return lambda func: Checking(_of_class(func), "field", (field, *fields), mode)


def validator(*fields, pre=False, each_item=False, always=False, check_fields=None, allow_reuse=False):
    mode = "each" if each_item else "before" if pre else "after"
    return lambda func: Checking(_of_class(func), "field", fields, mode, True)


def model_validator(*, mode):
    def mark(func):
        after = mode == "after" and not isinstance(func, (classmethod, staticmethod))
        return Checking(func if after else _of_class(func), "model", (), mode)

    return mark


def root_validator(func=None, /, *, pre=False, skip_on_failure=False, allow_reuse=False):
    def mark(func):
        return Checking(_of_class(func), "model", (), "before" if pre else "values", True)

    return mark if func is None else mark(func)


def computed_field(func=None, /, **options):
    def mark(func):
        return func if isinstance(func, property) or hasattr(func, "__get__") and not callable(func) else property(func)

    return mark if func is None else mark(func)


def field_serializer(*fields, mode="plain", return_type=None, when_used="always", check_fields=None):
    return lambda func: func


def model_serializer(func=None, /, *, mode="plain", when_used="always", return_type=None):
    return (lambda func: func) if func is None else func


def takes(func):
    """How many values a function takes that is bound."""
    kinds = inspect.Parameter
    found = inspect.signature(func).parameters.values()
    if any(one.kind is kinds.VAR_POSITIONAL for one in found):
        return 9
    return len([one for one in found if one.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)])
