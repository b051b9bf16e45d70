"""omegaconf: configurations whose values may refer to each other."""

import dataclasses as _dataclasses
import re as _re
from contextlib import contextmanager as _contextmanager
from copy import deepcopy as _deepcopy

import yaml as _yaml
from torch import _C

from .errors import (
    ConfigAttributeError,
    ConfigKeyError,
    InterpolationKeyError,
    InterpolationResolutionError,
    MissingMandatoryValue,
    OmegaConfBaseException,
    ReadonlyConfigError,
    UnsupportedInterpolationType,
    UnsupportedValueType,
    ValidationError,
)

__version__ = "2.3.0"
MISSING = "???"
_NO_DEFAULT = object()
_FLOAT = _re.compile(r"^[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?[eE][-+]?[0-9]+$")
_RESOLVERS = {}


def II(interpolation):
    return "${" + interpolation + "}"


def SI(interpolation):
    return interpolation


class SCMode:
    DICT, DICT_CONFIG, INSTANTIATE = 1, 2, 3


# -- values that refer to others -----------------------------------------------------------------------------------------------------------


def _end(text, start):
    """Where the braces end that open at `start`."""
    depth = 0
    for i in range(start, len(text)):
        if text[i] == "{":
            depth += 1
        elif text[i] == "}":
            depth -= 1
            if depth == 0:
                return i
    raise InterpolationResolutionError(f"no end of {text!r}")


def _is_missing(value):
    return _C._known(value) and isinstance(value, str) and value == MISSING


def _refers(value):
    return _C._known(value) and isinstance(value, str) and "${" in value


def _resolved(node, value):
    """What a value stands for that lies in the container `node`."""
    if _is_missing(value):
        raise MissingMandatoryValue("Missing mandatory value")
    return _interpolated(node, value) if _refers(value) else value


def _interpolated(node, text):
    start = text.find("${")
    end = _end(text, start + 1)
    if start == 0 and end == len(text) - 1:
        return _looked_up(node, text[2:-1])
    made = ""
    while start >= 0:
        end = _end(text, start + 1)
        made += f"{text[:start]}{_looked_up(node, text[start + 2 : end])}"
        text = text[end + 1 :]
        start = text.find("${")
    return made + text


def _looked_up(node, inner):
    """What stands between the braces."""
    name, colon, given = inner.partition(":")
    if colon and "${" not in name and "[" not in name:
        return _asked(node, name.strip(), given)
    if "${" in inner:
        inner = _interpolated(node, inner)
    inner = inner.strip()
    if inner[:1] == ".":
        inner = inner[1:]
        while inner[:1] == ".":
            node, inner = node._get_parent(), inner[1:]
    else:
        node = node._get_root()
    return _follow(node, inner) if inner else node


def _keys(path):
    return [part for part in _re.split(r"[.\[\]]+", path) if part]


def _follow(node, path):
    for part in _keys(path):
        if isinstance(node, ListConfig):
            node = node[int(part)]
        elif not isinstance(node, DictConfig) or not node._holds(part):
            raise InterpolationKeyError(f"Interpolation key '{path}' not found")
        else:
            node = node._value(node._key(part))
    return node


def _asked(node, name, given):
    """The result of a resolver."""
    if name == "oc.env":
        return _C._unknown("what the environment holds is not known")
    if name not in _RESOLVERS:
        if name in ("oc.select", "oc.decode", "oc.create", "oc.deprecated", "oc.dict.keys", "oc.dict.values"):
            return _C._unknown(f"the resolver {name} is not modelled")
        raise UnsupportedInterpolationType(f"Unsupported interpolation type {name}")
    return _RESOLVERS[name](*[_literal(node, part) for part in _parts(given)])


def _parts(text):
    """The arguments of a resolver, as they are written."""
    found, depth, quote, last = [], 0, "", ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "[{(":
            depth += 1
        elif letter in "]})":
            depth -= 1
        elif letter == "," and depth == 0:
            found.append(last)
            last = ""
            continue
        last += letter
    return [*found, last] if last.strip() or found else []


def _literal(node, text):
    text = text.strip()
    if len(text) > 1 and text[0] in "'\"" and text[-1] == text[0]:
        return _interpolated(node, text[1:-1]) if "${" in text else text[1:-1]
    if text[:1] == "[" and text[-1:] == "]":
        return [_literal(node, part) for part in _parts(text[1:-1])]
    if "${" in text:
        return _interpolated(node, text)
    return _numbers(_yaml.safe_load(text)) if text else ""


def _numbers(value):
    """YAML 1.1 reads ``1e-3`` as a text, and OmegaConf does not."""
    if not _C._known(value):
        return value
    if isinstance(value, str):
        return float(value) if _FLOAT.match(value) else value
    if isinstance(value, dict):
        return {key: _numbers(one) for key, one in value.items()}
    return [_numbers(one) for one in value] if isinstance(value, list) else value


# -- containers ----------------------------------------------------------------------------------------------------------------------------


def _held(value, parent):
    """`value` as a container holds it."""
    if not _C._known(value):
        return value
    if isinstance(value, Container):
        made = _copied(value)
        made.__dict__["_parent"] = parent
        return made
    if isinstance(value, dict):
        return DictConfig(value, parent=parent)
    if isinstance(value, (list, tuple)):
        return ListConfig(value, parent=parent)
    return DictConfig(value, parent=parent) if _dataclasses.is_dataclass(value) else value


def _copied(container):
    made = type(container)(None if container._content is None else [] if isinstance(container, ListConfig) else {})
    made.__dict__["_flags"] = dict(container._flags)
    made.__dict__["_parent"] = container._parent
    made.__dict__["_type"] = container._type
    if isinstance(container, ListConfig):
        for one in container._content or ():
            made._content.append(_held(one, made))
    else:
        for key, one in (container._content or {}).items():
            made._content[key] = _held(one, made)
    return made


def _plain(container, resolve, missing):
    if isinstance(container, ListConfig):
        return [_plain_value(container, one, resolve, missing) for one in container._content]
    if container._content is None:
        return None
    return {key: _plain_value(container, one, resolve, missing) for key, one in container._content.items()}


def _plain_value(node, value, resolve, missing):
    if resolve and _refers(value):
        value = _interpolated(node, value)
    if missing and _is_missing(value):
        raise MissingMandatoryValue("Missing mandatory value")
    return _plain(value, resolve, missing) if _C._known(value) and isinstance(value, Container) else value


class Node:
    pass


class Container(Node):
    def _start(self, parent, flags, ref_type=None):
        held = self.__dict__
        held["_parent"] = parent
        held["_flags"] = dict(flags or {})
        held["_type"] = ref_type

    def _get_parent(self):
        return self._parent

    def _get_root(self):
        node = self
        while node._parent is not None:
            node = node._parent
        return node

    def _flag(self, name):
        node = self
        while node is not None:
            if node._flags.get(name) is not None:
                return node._flags[name]
            node = node._parent
        return False

    def _set_flag(self, flags, values):
        names = [flags] if isinstance(flags, str) else flags
        values = values if isinstance(values, list) else [values] * len(names)
        self._flags.update(zip(names, values))

    def _set_parent(self, parent):
        self.__dict__["_parent"] = parent

    def _is_none(self):
        return self._content is None

    def __copy__(self):
        return _copied(self)

    def __deepcopy__(self, memo):
        return _copied(self)

    def copy(self):
        return _copied(self)

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        return id(self)


BaseContainer = Container


class DictConfig(Container):
    def __init__(self, content, key=None, parent=None, ref_type=None, key_type=None, element_type=None, is_optional=True, flags=None):
        self._start(parent, flags)
        self.__dict__["_content"] = None if content is None else {}
        if content is None:
            return
        if isinstance(content, DictConfig):
            self.__dict__["_flags"] = {**content._flags, **self._flags}
            content = content._content
        elif _dataclasses.is_dataclass(content):
            self.__dict__["_type"] = content if isinstance(content, type) else type(content)
            content = _fields(content)
        for name, value in content.items():
            self._content[name] = _held(value, self)

    def _key(self, key):
        """A key as it is held: that of an interpolation is a text."""
        if key in self._content:
            return key
        return int(key) if isinstance(key, str) and key.isdigit() and int(key) in self._content else key

    def _holds(self, key):
        return self._content is not None and self._key(key) in self._content

    def _value(self, key):
        return _resolved(self, self._content[key])

    def __getattr__(self, name):
        if name[:2] == "__" and name[-2:] == "__":
            raise AttributeError(name)
        if self._content is None or name not in self._content:
            raise ConfigAttributeError(f"Missing key {name}")
        return self._value(name)

    def __getitem__(self, key):
        if self._content is None or key not in self._content:
            raise ConfigKeyError(f"Missing key {key}")
        return self._value(key)

    def _put(self, key, value, error):
        if self._flag("readonly"):
            raise ReadonlyConfigError(f"Cannot change read-only config container {key}")
        if self._flag("struct") and key not in self._content:
            raise error(f"Key '{key}' is not in struct")
        self._content[key] = _held(value, self)

    def __setattr__(self, name, value):
        self._put(name, value, ConfigAttributeError)

    def __setitem__(self, key, value):
        self._put(key, value, ConfigKeyError)

    def __delitem__(self, key):
        del self._content[key]

    def __delattr__(self, name):
        del self._content[name]

    def get(self, key, default_value=None):
        if self._content is None or key not in self._content:
            return default_value
        value = self._content[key]
        return default_value if _is_missing(value) else _resolved(self, value)

    def pop(self, key, default=_NO_DEFAULT):
        if key in self._content:
            value = self._value(key)
            del self._content[key]
            return value
        if default is _NO_DEFAULT:
            raise ConfigKeyError(f"Key not found: '{key}'")
        return default

    def setdefault(self, key, default=None):
        if key not in self._content:
            self[key] = default
        return self[key]

    def update(self, other=(), **more):
        for key, value in dict(other, **more).items():
            self[key] = value

    def merge_with(self, *others):
        for other in others:
            _merge(self, other if isinstance(other, Container) else OmegaConf.create(other))

    unsafe_merge_with = merge_with

    def keys(self):
        return (self._content or {}).keys()

    def values(self):
        return [self._value(key) for key in self.keys()]

    def items(self):
        return [(key, self._value(key)) for key in self.keys()]

    def items_ex(self, resolve=True, keys=None):
        found = [(key, self._value(key) if resolve else self._content[key]) for key in self.keys()]
        return [(key, value) for key, value in found if keys is None or key in keys]

    def __iter__(self):
        return iter(self.keys())

    def __len__(self):
        return len(self._content or {})

    def __contains__(self, key):
        if self._content is None or key not in self._content:
            return False
        return not _is_missing(self._content[key])

    def __eq__(self, other):
        if isinstance(other, (dict, DictConfig)):
            mine = _plain(self, True, False)
            return mine == (_plain(other, True, False) if isinstance(other, DictConfig) else other)
        return other is None and self._content is None

    def __or__(self, other):
        return OmegaConf.merge(self, other)

    def __repr__(self):
        return repr(_plain(self, False, False))

    def __str__(self):
        return repr(_plain(self, False, False))


class ListConfig(Container):
    def __init__(self, content, key=None, parent=None, element_type=None, is_optional=True, ref_type=None, flags=None):
        self._start(parent, flags)
        self.__dict__["_content"] = None if content is None else []
        for one in (content._content if isinstance(content, ListConfig) else content) or ():
            self._content.append(_held(one, self))

    def __getitem__(self, index):
        if isinstance(index, slice):
            return ListConfig(self._content[index], parent=self._parent)
        return _resolved(self, self._content[index])

    def __setitem__(self, index, value):
        self._content[index] = _held(value, self)

    def __delitem__(self, index):
        del self._content[index]

    def __iter__(self):
        return iter([_resolved(self, one) for one in self._content])

    def __len__(self):
        return len(self._content or ())

    def __contains__(self, item):
        return item in list(self)

    def get(self, index, default_value=None):
        return self[index]

    def append(self, item):
        self._content.append(_held(item, self))

    def extend(self, items):
        for item in items:
            self.append(item)

    def insert(self, index, item):
        self._content.insert(index, _held(item, self))

    def pop(self, index=-1):
        return _resolved(self, self._content.pop(index))

    def remove(self, item):
        self._content.remove(item)

    def clear(self):
        self._content.clear()

    def index(self, item, *bounds):
        return list(self).index(item, *bounds)

    def count(self, item):
        return list(self).count(item)

    def sort(self, key=None, reverse=False):
        self._content.sort(key=key, reverse=reverse)

    def __add__(self, other):
        return ListConfig([*self, *other], parent=self._parent)

    def __radd__(self, other):
        return ListConfig([*other, *self], parent=self._parent)

    def __iadd__(self, other):
        self.extend(other)
        return self

    def __eq__(self, other):
        if isinstance(other, (list, tuple, ListConfig)):
            mine = _plain(self, True, False)
            return mine == (_plain(other, True, False) if isinstance(other, ListConfig) else list(other))
        return other is None and self._content is None

    def __repr__(self):
        return repr(_plain(self, False, False))

    def __str__(self):
        return repr(_plain(self, False, False))


def _fields(given):
    """What a dataclass, or an object of one, holds."""
    found = {}
    for field in _dataclasses.fields(given):
        if not isinstance(given, type):
            found[field.name] = getattr(given, field.name)
        elif field.default is not _dataclasses.MISSING:
            found[field.name] = field.default
        elif field.default_factory is not _dataclasses.MISSING:
            found[field.name] = field.default_factory()
        else:
            found[field.name] = MISSING
    return found


def _merge(to, other):
    """Put what `other` holds into `to`."""
    if isinstance(to, ListConfig):
        to.__dict__["_content"] = [_held(one, to) for one in other._content]
        return
    for key, value in (other._content or {}).items():
        before = to._content.get(key)
        if isinstance(before, DictConfig) and isinstance(value, DictConfig) and value._content is not None:
            if before._content is None:
                before.__dict__["_content"] = {}
            _merge(before, value)
        elif key not in to._content or not _is_missing(value):
            if to._flag("struct") and key not in to._content:
                raise ConfigKeyError(f"Key '{key}' is not in struct")
            to._content[key] = _held(value, to)


class OmegaConf:
    @staticmethod
    def create(obj=_NO_DEFAULT, parent=None, flags=None):
        if not _C._known(obj):
            return obj
        if obj is _NO_DEFAULT:
            obj = {}
        if isinstance(obj, str):
            obj = _numbers(_yaml.safe_load(obj))
            obj = {} if obj is None else {obj: None} if isinstance(obj, str) else obj
        if isinstance(obj, Container):
            made = _copied(obj)
            made._flags.update(flags or {})
            return made
        if obj is None:
            return DictConfig(None, parent=parent, flags=flags)
        if isinstance(obj, dict):
            return DictConfig(obj, parent=parent, flags=flags)
        if isinstance(obj, (list, tuple)):
            return ListConfig(obj, parent=parent, flags=flags)
        if _dataclasses.is_dataclass(obj):
            return OmegaConf.structured(obj, parent, flags)
        raise ValidationError(f"Object of unsupported type: '{type(obj).__name__}'")

    @staticmethod
    def structured(obj, parent=None, flags=None):
        return DictConfig(obj, parent=parent, flags={"struct": True, **(flags or {})})

    @staticmethod
    def load(file_):
        if hasattr(file_, "read"):
            found = _yaml.safe_load(file_)
        else:
            with open(file_) as file:
                found = _yaml.safe_load(file)
        return OmegaConf.create(_numbers(found)) if not _C._known(found) or found is not None else OmegaConf.create()

    @staticmethod
    def save(config, f, resolve=False):
        return None

    @staticmethod
    def from_cli(args_list=None):
        return OmegaConf.from_dotlist(args_list or [])

    @staticmethod
    def from_dotlist(dotlist):
        made = OmegaConf.create()
        for one in dotlist:
            key, equals, value = one.partition("=")
            OmegaConf.update(made, key, _numbers(_yaml.safe_load(value)) if equals else None)
        return made

    @staticmethod
    def merge(*configs):
        for one in configs:
            if not _C._known(one):
                return one
        made = _copied(configs[0] if isinstance(configs[0], Container) else OmegaConf.create(configs[0]))
        for one in configs[1:]:
            _merge(made, one if isinstance(one, Container) else OmegaConf.create(one))
        return made

    unsafe_merge = merge

    @staticmethod
    def to_container(cfg, *, resolve=False, throw_on_missing=False, enum_to_str=False, structured_config_mode=SCMode.DICT):
        return _plain(cfg, resolve, throw_on_missing)

    @staticmethod
    def to_object(cfg):
        return _objects(cfg)

    @staticmethod
    def to_yaml(cfg, *, resolve=False, sort_keys=False):
        return _C._unknown("the text of a configuration is not modelled")

    @staticmethod
    def resolve(cfg):
        for key in list(cfg.keys()) if isinstance(cfg, DictConfig) else range(len(cfg)):
            value = cfg._content[key]
            if isinstance(value, Container):
                OmegaConf.resolve(value)
            elif _refers(value):
                cfg._content[key] = _held(_interpolated(cfg, value), cfg)

    @staticmethod
    def select(cfg, key, *, default=None, throw_on_resolution_failure=True, throw_on_missing=False):
        node = cfg
        for part in _keys(key):
            if isinstance(node, ListConfig):
                node = node[int(part)]
            elif isinstance(node, DictConfig) and node._holds(part):
                value = node._content[node._key(part)]
                if _is_missing(value):
                    return default
                node = _resolved(node, value)
            else:
                return default
        return node

    @staticmethod
    def update(cfg, key, value=None, *, merge=True, force_add=False):
        *path, last = _keys(key)
        node = cfg
        for part in path:
            if isinstance(node, ListConfig):
                node = node[int(part)]
                continue
            if not node._holds(part) or not isinstance(node._content[part], Container):
                node._content[part] = DictConfig({}, parent=node)
            node = node._content[part]
        if isinstance(node, ListConfig):
            node[int(last)] = value
            return
        made = _held(value, node)
        before = node._content.get(last)
        if merge and isinstance(before, DictConfig) and isinstance(made, DictConfig):
            _merge(before, made)
        else:
            node._content[last] = made

    @staticmethod
    def masked_copy(conf, keys):
        keys = [keys] if isinstance(keys, str) else keys
        return DictConfig({key: value for key, value in conf._content.items() if key in keys})

    @staticmethod
    def is_config(obj):
        return isinstance(obj, Container)

    @staticmethod
    def is_dict(obj):
        return isinstance(obj, DictConfig)

    @staticmethod
    def is_list(obj):
        return isinstance(obj, ListConfig)

    @staticmethod
    def is_missing(cfg, key):
        return _is_missing(cfg._content.get(key) if isinstance(cfg, DictConfig) else cfg._content[key])

    @staticmethod
    def is_interpolation(node, key=None):
        return key is not None and _refers(node._content[key])

    @staticmethod
    def missing_keys(cfg):
        return _C._unknown("the missing keys of a configuration are not modelled")

    @staticmethod
    def get_type(obj, key=None):
        return obj._type if obj._type is not None else dict if isinstance(obj, DictConfig) else list

    @staticmethod
    def set_struct(conf, value):
        conf._flags["struct"] = value

    @staticmethod
    def is_struct(conf):
        return conf._flag("struct")

    @staticmethod
    def set_readonly(conf, value):
        conf._flags["readonly"] = value

    @staticmethod
    def is_readonly(conf):
        return conf._flag("readonly")

    @staticmethod
    def register_new_resolver(name, resolver, *, replace=False, use_cache=False):
        if name in _RESOLVERS and not replace:
            raise ValueError(f"resolver '{name}' is already registered")
        _RESOLVERS[name] = resolver

    @staticmethod
    def register_resolver(name, resolver):
        _RESOLVERS[name] = resolver

    legacy_register_resolver = register_resolver

    @staticmethod
    def has_resolver(name):
        return name in _RESOLVERS or name[:3] == "oc."

    @staticmethod
    def clear_resolver(name):
        return _RESOLVERS.pop(name, None) is not None

    @staticmethod
    def clear_resolvers():
        _RESOLVERS.clear()


def _objects(cfg):
    """Containers as what they were made from: lists, dicts and objects of dataclasses."""
    if isinstance(cfg, ListConfig):
        return [_objects(one) for one in cfg]
    if not isinstance(cfg, DictConfig) or cfg._content is None:
        return None if isinstance(cfg, DictConfig) else cfg
    held = {key: _objects(value) for key, value in cfg.items()}
    return held if cfg._type is None else cfg._type(**held)


@_contextmanager
def flag_override(config, names, values):
    before = dict(config._flags)
    config._set_flag(names, values)
    try:
        yield config
    finally:
        config.__dict__["_flags"] = before


def open_dict(config):
    return flag_override(config, "struct", False)


def read_write(config):
    return flag_override(config, "readonly", False)


def __getattr__(name):
    if name[:1] == "_":
        raise AttributeError(f"module 'omegaconf' has no attribute {name!r}")
    return _C._unknown(f"`omegaconf.{name}` is not modelled")
