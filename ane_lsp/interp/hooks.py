"""Functions that were registered to run around the forward of a module."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Unknown
from ane_lsp.interp.values import Instance, OneOf
from ane_lsp.interp.widening import forgotten

if TYPE_CHECKING:
    from ane_lsp.interp.torch_glue import TorchGlue

Given = tuple[tuple[Any, ...], dict[str, Any]]


def before(interp: TorchGlue, module: Instance, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Given:
    """What a module's forward is called with."""
    for hook, with_kwargs, certain in list(_registered(module, "_forward_pre_hooks")):
        given = (args, kwargs)
        call = partial(_changed, interp, hook, module, given, with_kwargs is True)
        made = call() if certain else _perhaps(interp, call, given)
        if isinstance(with_kwargs, Unknown) and (made[0] is not args or made[1] is not kwargs):
            positional = tuple(_lost(one, with_kwargs) for one in made[0])
            made = positional, {name: _lost(one, with_kwargs) for name, one in made[1].items()}
        args, kwargs = made
    return args, kwargs


def after(interp: TorchGlue, module: Instance, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Any:
    """What a module gives."""
    for hook, with_kwargs, certain in list(_registered(module, "_forward_hooks")):
        given = (module, args, kwargs, result) if with_kwargs is True else (module, args, result)
        call = partial(_replaced, interp, hook, given, result)
        made = call() if certain else interp.fork_value(interp.frame, [call, partial(_same, result)])
        result = made if made is result or not isinstance(with_kwargs, Unknown) else _lost(made, with_kwargs)
    return result


def _registered(module: Instance, name: str) -> Iterator[tuple[Any, bool | Unknown, bool]]:
    """The hooks of a kind: the function, whether it is given keyword arguments, whether it certainly was registered. The second is
    Unknown of a hook of which branches left nothing certain: what it changes is not known either."""
    tables = module.attrs.get(name)
    for table in tables.options if isinstance(tables, OneOf) else (tables,):
        for hook in table.values() if isinstance(table, dict) else ():
            for option in hook.options if isinstance(hook, OneOf) else (hook,):
                if isinstance(option, tuple):
                    certain = hook is option and table is tables and not isinstance(option[1], Unknown)
                    yield (*option, certain)


def _changed(interp: TorchGlue, hook: Any, module: Instance, given: Given, with_kwargs: bool) -> Given:
    args, kwargs = given
    changed = interp.call(hook, (module, args, kwargs) if with_kwargs else (module, args))
    if changed is None or isinstance(changed, Unknown):
        return given
    if with_kwargs and isinstance(changed, tuple) and len(changed) == 2:
        return changed
    return changed if isinstance(changed, tuple) else (changed,), kwargs


def _perhaps(interp: TorchGlue, call: partial[Given], given: Given) -> Given:
    """What a hook makes of the arguments, where nobody knows whether there is one."""
    made = interp.fork_value(interp.frame, [call, partial(_same, given)])
    return made if isinstance(made, tuple) and all(map(isinstance, made, (tuple, dict))) else given


def _replaced(interp: TorchGlue, hook: Any, given: tuple[Any, ...], result: Any) -> Any:
    replaced = interp.call(hook, given)
    return result if replaced is None or isinstance(replaced, Unknown) else replaced


def _lost(value: Any, why: Unknown) -> Any:
    return forgotten(value, why.reason)


def _same(value: Any) -> Any:
    return value


__all__ = ["after", "before"]
