"""Puts a configuration together from a file and those that its ``defaults`` name."""

import os
import re

import yaml
from omegaconf import DictConfig, OmegaConf, _numbers
from torch import _C

_PACKAGE = re.compile(r"^#\s*@package\s+(\S+)", re.M)
STORED = {}  # what a ConfigStore holds, by group and name


class _Chosen:
    """What is chosen instead of what ``defaults`` say. groups: those that they name."""

    def __init__(self, given):
        self.given = given
        self.groups = set()

    def of(self, group, name):
        self.groups.add(group)
        return self.given.get(group, name)


def composed(folder, name, overrides):
    if name is None:
        return OmegaConf.create({})
    given = {}
    for one in overrides:
        if one[:1] == "~":
            return _C._unknown("what is taken out of a configuration is not modelled")
        key, _, value = one.lstrip("+").partition("=")
        given[key] = value
    chosen = _Chosen(given)
    made = _read(folder, "", name, "", chosen)
    if not _C._known(made):
        return made
    for key, value in given.items():
        if key not in chosen.groups:
            OmegaConf.update(made, key, _numbers(yaml.safe_load(value)), force_add=True)
    if "hydra" in made:
        made.pop("hydra")
    OmegaConf.set_struct(made, True)
    return made


def _read(folder, group, name, package, chosen):
    """The configuration of one file with all that it names, at its place."""
    if name[-5:] == ".yaml":
        name = name[:-5]
    stored = STORED.get((group, name))
    if stored is not None:
        text, body = "", OmegaConf.structured(stored) if not isinstance(stored, (dict, DictConfig)) else OmegaConf.create(stored)
        defaults = OmegaConf.to_container(body.pop("defaults")) if "defaults" in body else []
    elif folder is None:
        return _C._unknown("a configuration that no file holds")
    else:
        with open(f"{folder}/{group}/{name}.yaml" if group else f"{folder}/{name}.yaml") as file:
            text = file.read()
        if not _C._known(text):
            return _C._unknown("a file of the configuration is not there to be read")
        held = _numbers(yaml.safe_load(text)) or {}
        defaults = held.pop("defaults", [])
        body = OmegaConf.create(held)
    said = _PACKAGE.search(text)
    if said is not None:
        package = "" if said[1] == "_global_" else package if said[1] == "_group_" else said[1]
    body = _placed(body, package)
    made, own = OmegaConf.create({}), False
    for one in defaults:
        if one == "_self_":
            made, own = OmegaConf.merge(made, body), True
        else:
            made = OmegaConf.merge(made, _default(folder, group, one, package, chosen))
    return made if own else OmegaConf.merge(made, body)


def _default(folder, group, one, package, chosen):
    """What one entry of a ``defaults`` list brings."""
    if isinstance(one, str):
        name, _, at = one.partition("@")
        inner, _, name = name.rpartition("/")
        where = _inside(group, inner)
        return _read(folder, where, name, _package(package, inner, at), chosen)
    (key, name) = next(iter(one.items()))
    if key[:9] == "override " or name is None:
        return OmegaConf.create({})
    optional, key = key[:9] == "optional ", key.removeprefix("optional ").strip()
    key, _, at = key.partition("@")
    where = _inside(group, key)
    made = OmegaConf.create({})
    for each in name if isinstance(name, list) else [chosen.of(where, name)]:
        if optional and (where, each) not in STORED and not os.path.isfile(f"{folder}/{where}/{each}.yaml"):
            continue
        made = OmegaConf.merge(made, _read(folder, where, str(each), _package(package, key, at), chosen))
    return made


def _inside(group, key):
    if key[:1] == "/":
        return key[1:]
    return f"{group}/{key}" if group and key else group or key


def _package(package, key, at):
    if at:
        return at.removeprefix("_global_.") if at != "_global_" else ""
    inner = key.replace("/", ".").strip(".")
    if key[:1] == "/":
        return inner
    return f"{package}.{inner}" if package and inner else package or inner


def _placed(body, package):
    for part in reversed(package.split(".") if package else []):
        body = OmegaConf.create({part: body})
    return body
