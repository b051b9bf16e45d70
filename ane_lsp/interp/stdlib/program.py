"""How a program was started, for the interpreted source of the standard library: nobody typed anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Unknown
from ane_lsp.interp.imports import is_stub
from ane_lsp.interp.stdlib.common import Maker, by_name
from ane_lsp.interp.support import DictView, native

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter


@native("_ane_program.asked")
def _asked(interp: Interpreter, name: str, choices: Any, number: Any) -> Any:
    """What a user has to say for an argument: the first of its choices, which is told, else unknown."""
    known = isinstance(choices, (list, tuple, dict, range, DictView)) and number in (None, "+")
    first = next(interp.items_of(choices), None) if known else None
    if isinstance(first, (str, int, float)):
        interp.conversions.assume(f"{name} is taken as {first!r}, the first of its choices: it is given no value")
        return first if number is None else [first]
    reason = f"what is given for `{name}` is not known: it has no default"
    interp.conversions.asked[reason] = name
    return Unknown(reason, interp.innermost(lambda frame: not is_stub(frame.module.path or "")))


MODULES: dict[str, Maker] = {"_ane_program": lambda interp: by_name(_asked)}
