"""pydantic.main: objects with fields."""

import json
from copy import copy as _copy, deepcopy as _deepcopy
from inspect import signature

from _ane_annotations import annotated, fitted, metadata
from torch import _C

from .fields import AliasChoices, AliasPath, FieldInfo, ModelPrivateAttr, PydanticUndefined
from .validators import Checking, takes


class ValidationError(ValueError):
    @classmethod
    def from_exception_data(cls, title, line_errors, **options):
        return cls(title)

    def errors(self, **options):
        return _C._unknown("what a ValidationError lists is not modelled")

    def error_count(self):
        return 1


class ValidationInfo:
    def __init__(self, data, field_name, config):
        self.data = data
        self.field_name = field_name
        self.config = config
        self.context = None
        self.mode = "python"


_SETTINGS = (
    "allow_population_by_field_name", "arbitrary_types_allowed", "extra", "frozen", "orm_mode", "use_enum_values", "validate_all",
    "validate_assignment", "allow_mutation",
)  # fmt: skip


def _collect(cls, settings):
    """Gather the fields, private attributes and checks of a class and of those that it extends."""
    config, fields, private, checks = {}, {}, {}, {}
    for base in reversed(cls.__bases__):
        if hasattr(base, "__pydantic_fields__"):
            config.update(base.model_config)
            fields.update(base.__pydantic_fields__)
            private.update(base.__private_attributes__)
            checks.update(base.__pydantic_checks__)
    own = cls.__dict__
    if "model_config" in own:
        config.update(own["model_config"])
    if "Config" in own:
        for name in _SETTINGS:
            if hasattr(own["Config"], name):
                config[name] = getattr(own["Config"], name)
    config.update(settings)
    for name in annotated(cls):
        if name == "model_config":
            continue
        given = own.get(name, PydanticUndefined)
        if name[:1] == "_":
            private[name] = given if isinstance(given, ModelPrivateAttr) else ModelPrivateAttr(given)
        else:
            fields[name] = _field(cls, name, given)
        if name in own:
            delattr(cls, name)
    for name, value in list(own.items()):
        if isinstance(value, Checking):
            setattr(cls, name, value.func)
            checks[name] = value
        elif isinstance(value, ModelPrivateAttr):
            private[name] = value
            delattr(cls, name)
        elif name in fields and name not in cls.__annotations__ and not callable(value):
            fields[name] = _field(cls, name, value)  # another default
    cls.model_config = config
    cls.__pydantic_fields__ = cls.model_fields = cls.__fields__ = fields
    cls.__private_attributes__ = private
    cls.__pydantic_checks__ = checks
    cls.__config__ = config


def _field(cls, name, given):
    said = [one for one in metadata(cls, name) if isinstance(one, FieldInfo)]
    if isinstance(given, FieldInfo):
        made = given
    elif said:
        made = _copy(said[-1])
        if given is not PydanticUndefined:
            made.default = given
    else:
        made = FieldInfo(given)
    made.annotation = cls.__annotations__.get(name)
    return made


def _given(info, name, data, config):
    """The key under which `data` holds a field; None where it does not."""
    alias = info.validation_alias
    for choice in alias.choices if isinstance(alias, AliasChoices) else () if alias is None else (alias,):
        if isinstance(choice, AliasPath):
            return _C._unknown("a path to a value is not followed")
        if choice in data:
            return choice
    by_name = config.get("populate_by_name") or config.get("validate_by_name") or config.get("allow_population_by_field_name")
    return name if (alias is None or by_name) and name in data else None


def _default(info, values):
    if info.default_factory is not None:
        return info.default_factory(values) if _takes_values(info.default_factory) else info.default_factory()
    value = info.default
    return _deepcopy(value) if isinstance(value, (list, dict, set)) else value


def _takes_values(factory):
    """Whether a factory is given the fields before it."""
    try:
        found = list(signature(factory).parameters.values())
    except (TypeError, ValueError):
        return False
    return len(found) == 1 and found[0].default is found[0].empty and found[0].kind is found[0].POSITIONAL_OR_KEYWORD


def _call(check, cls, name, value, values, field, config):
    """What a function makes of a field's value."""
    func = getattr(cls, name)
    if check.values:
        more = {"values": values, "field": field, "config": config}
        names = signature(func).parameters
        return func(value, **{key: one for key, one in more.items() if key in names})
    return func(value, ValidationInfo(values, field, config)) if takes(func) > 1 else func(value)


def checked(cls, name, value, values, config):
    """`value` as the field `name` holds it. values: of the fields before it."""
    mine = [(key, one) for key, one in cls.__pydantic_checks__.items() if one.kind == "field"]
    mine = [(key, one) for key, one in mine if name in one.names or "*" in one.names]
    for key, check in reversed(mine):
        if check.mode == "before":
            value = _call(check, cls, key, value, values, name, config)
    for key, check in mine:
        if check.mode == "plain":
            return _call(check, cls, key, value, values, name, config)
        if check.mode == "wrap":
            func = getattr(cls, key)
            more = (ValidationInfo(values, name, config),) if takes(func) > 2 else ()
            return func(value, lambda value: fitted(cls, name, value), *more)
    value = fitted(cls, name, value)
    if config.get("use_enum_values") and hasattr(type(value), "__members__"):
        value = value.value
    for key, check in mine:
        if check.mode == "after":
            value = _call(check, cls, key, value, values, name, config)
        elif check.mode == "each":
            value = type(value)([_call(check, cls, key, one, values, name, config) for one in value])
    return value


def _build(self, data):
    cls = type(self)
    config, put = cls.model_config, object.__setattr__
    models = [(key, one) for key, one in cls.__pydantic_checks__.items() if one.kind == "model"]
    for key, check in reversed(models):
        if check.mode == "before":
            func = getattr(cls, key)
            data = func(data, ValidationInfo(None, None, config)) if not check.values and takes(func) > 1 else func(data)
    values, left, known = {}, dict(data), set()
    for name, info in cls.__pydantic_fields__.items():
        key = _given(info, name, data, config)
        if key is not None:
            values[name] = checked(cls, name, left.pop(key), values, config)
            known.add(name)
        elif info.is_required():
            raise ValidationError(f"1 validation error for {cls.__name__}\n{name}\n  Field required")
        elif info.validate_default or config.get("validate_default") or config.get("validate_all"):
            values[name] = checked(cls, name, _default(info, values), values, config)
        else:
            values[name] = _default(info, values)
    extra = config.get("extra", "ignore")
    if left and extra == "forbid":
        raise ValidationError(f"validation errors for {cls.__name__}: {', '.join(left)}\n  Extra inputs are not permitted")
    for key, check in models:
        if check.mode == "values":
            values = getattr(cls, key)(values)
    for name, value in values.items():
        put(self, name, value)
    put(self, "model_extra", left if extra == "allow" else None)
    if extra == "allow":
        for name, value in left.items():
            put(self, name, value)
    put(self, "model_fields_set", known)
    _put_private(self)
    self.model_post_init(None)
    for key, check in models:
        if check.mode == "after" and isinstance(check.func, (classmethod, staticmethod)):
            getattr(cls, key)(self)
        elif check.mode == "after":
            func = getattr(self, key)
            func(ValidationInfo(None, None, config)) if takes(func) > 0 else func()


def _put_private(self):
    for name, one in type(self).__private_attributes__.items():
        if one.default_factory is not None:
            object.__setattr__(self, name, one.default_factory())
        elif one.default is not PydanticUndefined:
            object.__setattr__(self, name, _deepcopy(one.default))


def _written(value, options):
    if isinstance(value, BaseModel):
        return value.model_dump(**options)
    if isinstance(value, dict):
        return {key: _written(one, options) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)) and not hasattr(value, "_fields"):
        return type(value)([_written(one, options) for one in value])
    return value


class BaseModel:
    model_config = {}
    model_fields = {}
    model_computed_fields = {}
    __pydantic_fields__ = {}
    __fields__ = {}
    __private_attributes__ = {}
    __pydantic_checks__ = {}

    def __init_subclass__(cls, **settings):
        _collect(cls, settings)

    def __init__(self, /, **data):
        try:
            _build(self, data)
        except ValidationError:
            raise
        except (ValueError, AssertionError) as error:
            raise ValidationError(f"1 validation error for {type(self).__name__}: {error}")

    def __setattr__(self, name, value):
        cls = type(self)
        config = cls.model_config
        if name in cls.__pydantic_fields__:
            info = cls.__pydantic_fields__[name]
            if config.get("frozen") or info.frozen or config.get("allow_mutation") is False:
                raise ValidationError(f"1 validation error for {cls.__name__}\n{name}\n  Instance is frozen")
            if config.get("validate_assignment"):
                value = checked(cls, name, value, dict(self.__dict__), config)
            self.model_fields_set.add(name)
        object.__setattr__(self, name, value)

    def model_post_init(self, context, /):
        return None

    @classmethod
    def model_construct(cls, _fields_set=None, **values):
        made = cls.__new__(cls)
        for name, info in cls.__pydantic_fields__.items():
            if name in values:
                object.__setattr__(made, name, values[name])
            elif not info.is_required():
                object.__setattr__(made, name, _default(info, values))
        object.__setattr__(made, "model_fields_set", set(values))
        _put_private(made)
        made.model_post_init(None)
        return made

    construct = model_construct

    @classmethod
    def model_validate(cls, obj, *, strict=None, from_attributes=None, context=None, **options):
        if isinstance(obj, cls):
            return obj
        if isinstance(obj, dict):
            return cls(**obj)
        if from_attributes or cls.model_config.get("from_attributes") or cls.model_config.get("orm_mode"):
            return cls(**{name: getattr(obj, name) for name in cls.__pydantic_fields__ if hasattr(obj, name)})
        raise ValidationError(f"1 validation error for {cls.__name__}\n  Input should be a valid dictionary")

    parse_obj = validate = model_validate

    @classmethod
    def from_orm(cls, obj):
        return cls.model_validate(obj, from_attributes=True)

    @classmethod
    def model_validate_json(cls, json_data, **options):
        return cls.model_validate(json.loads(json_data))

    parse_raw = model_validate_json

    @classmethod
    def parse_file(cls, path, **options):
        with open(path) as file:
            return cls.model_validate(json.load(file))

    @classmethod
    def model_rebuild(cls, **options):
        return None

    @classmethod
    def update_forward_refs(cls, **names):
        return None

    @classmethod
    def model_json_schema(cls, *args, **options):
        return _C._unknown("the schema of a pydantic model is not modelled")

    schema = schema_json = model_json_schema

    def model_dump(self, *, mode="python", include=None, exclude=None, by_alias=None, exclude_unset=False, exclude_defaults=False,
                   exclude_none=False, **options):  # fmt: skip
        found = {}
        inner = {"mode": mode, "by_alias": by_alias, "exclude_unset": exclude_unset, "exclude_defaults": exclude_defaults,
                 "exclude_none": exclude_none}  # fmt: skip
        for name, value in self:
            info = type(self).__pydantic_fields__.get(name)
            if (include is not None and name not in include) or (exclude is not None and name in exclude):
                continue
            if info is not None and info.exclude:
                continue
            if (exclude_none and value is None) or (exclude_unset and name not in self.model_fields_set):
                continue
            if exclude_defaults and info is not None and not info.is_required() and value == _default(info, {}):
                continue
            key = info.alias if by_alias and info is not None and info.alias is not None else name
            found[key] = _written(value, inner)
        return found

    def dict(self, **options):
        return self.model_dump(**options)

    def model_dump_json(self, **options):
        return json.dumps(self.model_dump(mode="json"))

    def json(self, **options):
        return self.model_dump_json(**options)

    def model_copy(self, *, update=None, deep=False):
        made = type(self).__new__(type(self))
        for name, value in self.__dict__.items():
            object.__setattr__(made, name, _deepcopy(value) if deep else value)
        for name, value in (update or {}).items():
            object.__setattr__(made, name, value)
        return made

    def copy(self, *, include=None, exclude=None, update=None, deep=False):
        return self.model_copy(update=update, deep=deep)

    def __iter__(self):
        for name in type(self).__pydantic_fields__:
            if name in self.__dict__:
                yield name, self.__dict__[name]
        for name in self.__dict__.get("model_extra") or ():
            yield name, self.__dict__[name]

    def __eq__(self, other):
        return type(self) is type(other) and dict(iter(self)) == dict(iter(other))

    def __repr__(self):
        return f"{type(self).__name__}({', '.join([f'{name}={value!r}' for name, value in self])})"

    def __str__(self):
        return " ".join([f"{name}={value!r}" for name, value in self])

    def __class_getitem__(cls, parameters):
        return cls


class RootModel(BaseModel):
    def __init__(self, root=PydanticUndefined, /, **data):
        super().__init__(**({"root": root} if root is not PydanticUndefined else data))

    @classmethod
    def model_validate(cls, obj, **options):
        return obj if isinstance(obj, cls) else cls(obj)

    def model_dump(self, **options):
        return _written(self.root, {})


def create_model(model_name, /, *, __config__=None, __base__=None, __validators__=None, __module__=None, __doc__=None, **fields):
    bases = __base__ if isinstance(__base__, tuple) else (BaseModel if __base__ is None else __base__,)
    names, notes = {}, {}
    for name, said in fields.items():
        if isinstance(said, tuple):
            notes[name], names[name] = said
        else:
            notes[name] = said
    names = {name: value for name, value in names.items() if value is not ...}
    if __config__ is not None:
        names["model_config"] = __config__
    return type(model_name, bases, {**names, **(__validators__ or {}), "__annotations__": notes})
