"""hydra.utils: objects that a configuration names."""

import functools
import importlib

from omegaconf import DictConfig, ListConfig, OmegaConf
from torch import _C

_OWN = ("_target_", "_recursive_", "_convert_", "_partial_", "_args_")


def _named(path):
    """What a dotted path names: a module, or what lies in one."""
    parts = path.split(".")
    found = importlib.import_module(parts[0])
    for count, part in enumerate(parts[1:], 2):
        try:
            found = getattr(found, part)
        except AttributeError:
            found = importlib.import_module(".".join(parts[:count]))
    return found


def get_object(path):
    return _named(path)


get_class = get_method = get_static_method = get_object


def _made(value, recursive, convert):
    """A value of a configuration, with what it names made."""
    table = isinstance(value, (dict, DictConfig))
    if not table and not isinstance(value, (list, tuple, ListConfig)):
        return value
    if table and recursive and "_target_" in value:
        return _instance(value, (), {}, recursive, convert)
    plain = convert in ("all", "partial", "object") or not isinstance(value, (DictConfig, ListConfig))
    if not plain and not _names(value):
        return value
    if table:
        found = {key: _made(one, recursive, convert) for key, one in value.items()}
        return found if plain else DictConfig(found)
    found = [_made(one, recursive, convert) for one in value]
    return found if plain else ListConfig(found)


def _names(value):
    """Whether a part of a configuration has anything made."""
    if isinstance(value, DictConfig):
        return "_target_" in value or any(_names(one) for one in value.values())
    return isinstance(value, ListConfig) and any(_names(one) for one in value)


def _instance(config, args, kwargs, recursive, convert):
    recursive = config.get("_recursive_", recursive)
    convert = config.get("_convert_", convert)
    given = {key: config[key] for key in config.keys() if key not in _OWN}
    given.update(kwargs)
    given = {key: _made(one, True, convert) if recursive else one for key, one in given.items()}
    if "_args_" in config and not args:
        args = [_made(one, True, convert) if recursive else one for one in config["_args_"]]
    target = config["_target_"]
    target = _named(target) if isinstance(target, str) else target
    if config.get("_partial_", False):
        return functools.partial(target, *args, **given)
    return target(*args, **given)


def instantiate(config, *args, **kwargs):
    if config is None:
        return None
    own = {key: kwargs.pop(key) for key in _OWN if key in kwargs}
    if isinstance(config, (dict, DictConfig)):
        if own:
            config = {**{key: config[key] for key in config.keys()}, **own}
        if "_target_" not in config:
            return _made(config, config.get("_recursive_", True), config.get("_convert_", "none"))
        return _instance(config, args, kwargs, True, "none")
    if isinstance(config, (list, ListConfig)):
        return _made(config, own.get("_recursive_", True), own.get("_convert_", "none"))
    return _C._unknown("what hydra makes of this is not known")


call = instantiate


def get_original_cwd():
    return "."


def to_absolute_path(path):
    return path
