"""hydra: programs that are given a configuration put together from files."""

from functools import wraps as _wraps

from torch import _C

from ._compose import composed as _composed
from . import utils

__version__ = "1.3.2"
_FOLDERS = []


def main(config_path=".", config_name=None, version_base=None):
    """The function with the configuration that it gets where nothing is given on the command line."""

    def decorate(task_function):
        @_wraps(task_function)
        def run(cfg_passthrough=None):
            if cfg_passthrough is not None:
                return task_function(cfg_passthrough)
            folder = _beside(task_function.__globals__["__file__"], config_path)
            return task_function(_composed(folder, config_name, ()))

        return run

    return decorate


def _beside(file, config_path):
    return None if config_path is None else file.rpartition("/")[0] + "/" + config_path


class initialize:
    def __init__(self, config_path=None, job_name=None, caller_stack_depth=1, version_base=None):
        _FOLDERS.append(config_path)

    def __enter__(self):
        return None

    def __exit__(self, exc_type, exc_val, exc_tb):
        _FOLDERS.pop()


class initialize_config_dir(initialize):
    def __init__(self, config_dir, job_name=None, version_base=None):
        _FOLDERS.append(config_dir)


class initialize_config_module(initialize):
    def __init__(self, config_module, job_name=None, version_base=None):
        _FOLDERS.append(None)


def compose(config_name=None, overrides=(), return_hydra_config=False, strict=None):
    if not _FOLDERS:
        return _C._unknown("hydra.compose() without hydra.initialize()")
    return _composed(_FOLDERS[-1], config_name, overrides)


def __getattr__(name):
    if name[:1] == "_":
        raise AttributeError(f"module 'hydra' has no attribute {name!r}")
    return _C._unknown(f"`hydra.{name}` is not modelled")
