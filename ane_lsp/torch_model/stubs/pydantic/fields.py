"""pydantic.fields: what is said of a field besides its annotation."""


class _Undefined:
    def __repr__(self):
        return "PydanticUndefined"

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self


PydanticUndefined = Undefined = _Undefined()


class FieldInfo:
    def __init__(self, default=PydanticUndefined, default_factory=None, alias=None, validation_alias=None, **said):
        self.annotation = None
        self.default = PydanticUndefined if default is ... else default
        self.default_factory = default_factory
        self.alias = alias
        self.validation_alias = alias if validation_alias is None else validation_alias
        self.alias_priority = said.get("alias_priority")
        self.title = said.get("title")
        self.description = said.get("description")
        self.exclude = said.get("exclude")
        self.frozen = said.get("frozen")
        self.discriminator = said.get("discriminator")
        self.validate_default = said.get("validate_default")
        self.init = said.get("init")
        self.init_var = said.get("init_var")
        self.kw_only = said.get("kw_only")
        self.repr = said.get("repr", True)
        self.json_schema_extra = said.get("json_schema_extra")
        self.metadata = []

    def is_required(self):
        return self.default is PydanticUndefined and self.default_factory is None

    def get_default(self, *, call_default_factory=False, validated_data=None):
        if self.default_factory is None:
            return self.default
        return self.default_factory() if call_default_factory else None

    @property
    def required(self):
        return self.is_required()


class ModelPrivateAttr:
    def __init__(self, default=PydanticUndefined, default_factory=None):
        self.default = PydanticUndefined if default is ... else default
        self.default_factory = default_factory


class AliasPath:
    def __init__(self, first_arg, *args):
        self.path = [first_arg, *args]


class AliasChoices:
    def __init__(self, first_choice, *choices):
        self.choices = [first_choice, *choices]


def Field(default=PydanticUndefined, *, default_factory=None, **said):
    return FieldInfo(default, default_factory, **said)


def PrivateAttr(default=PydanticUndefined, *, default_factory=None, init=False):
    return ModelPrivateAttr(default, default_factory)
