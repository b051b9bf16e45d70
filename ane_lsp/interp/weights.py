"""``model.state_dict()`` done at once: scripts that convert weights ask for it once or more for each weight.

What is detached is the same tensor again while the weight is the same one; in torch it is another view of the same memory.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ane_lsp.interp.values import MISSING, MORE, Function, Tensor, read_plainly

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

_HOME = "torch.nn.modules.module"
_OWN = ("state_dict", "_save_to_state_dict", "get_extra_state")


def _state_dict(interp: Interpreter, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """All weights of a model outside of any forward; MISSING where a module below has a way of its own."""
    if len(args) != 1 or kwargs or interp.recorder.modules:
        return MISSING
    found: list[tuple[str, Tensor]] = []
    if not _collect(args[0], "", found):
        return MISSING
    interp.tick()
    return interp.make(OrderedDict((name, _detached(interp, weight)) for name, weight in found))


def _collect(module: Any, prefix: str, found: list[tuple[str, Tensor]]) -> bool:
    """Add a module's weights and those below it, in torch's order; False where that is not all there is to it."""
    if not read_plainly(module):
        return False
    attrs = module.attrs
    for name in _OWN:
        method = module.cls.lookup(name)
        if method.__class__ is not Function or method.module.name != _HOME or name in attrs:
            return False
    parameters, buffers, children, passing = (
        attrs.get(name) for name in ("_parameters", "_buffers", "_modules", "_non_persistent_buffers_set")
    )
    if parameters.__class__ is not dict or buffers.__class__ is not dict or children.__class__ is not dict:
        return False
    if passing.__class__ is not set or MORE in parameters or MORE in buffers or MORE in children:
        return False
    for table, left in ((parameters, ()), (buffers, passing)):
        for name, weight in table.items():
            if weight.__class__ is Tensor:
                if name not in left:
                    found.append((prefix + name, weight))
            elif weight is not None:
                return False
    return all(child is None or _collect(child, f"{prefix}{name}.", found) for name, child in children.items())


def _detached(interp: Interpreter, weight: Tensor) -> Any:
    known = interp.detached.get(id(weight))
    if known is not None:
        before, made, kind = known
        now = (weight, weight.type, weight.value, weight.graph)
        if all(one is other for one, other in zip(before, now)) and made.type is kind and not made.requires_grad:
            return made
    made = interp.torch_method("torch.Tensor.detach", (weight,))
    if made.__class__ is Tensor:
        interp.detached[id(weight)] = (weight, weight.type, weight.value, weight.graph), made, made.type
    return made


WAYS: dict[str, Callable[[Interpreter, Function, tuple[Any, ...], dict[str, Any]], Any]] = {
    f"{_HOME}:Module.state_dict": _state_dict
}
"""By module and name, as in fast.py."""
