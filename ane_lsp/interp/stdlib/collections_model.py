"""``collections``, ``heapq``, ``bisect``. The container types are the host's own, holding interpreter values."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from typing import TYPE_CHECKING, Any

from ane_lsp.interp.stdlib.common import Maker, Namespace, from_stub
from ane_lsp.interp.stdlib.typing_model import record_type
from ane_lsp.interp.support import DefaultDict, concrete, find_unknown, native
from ane_lsp.interp.values import MISSING

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter


@native("collections.namedtuple", strict=True)
def _namedtuple(
    interp: Interpreter,
    typename: Any,
    field_names: Any,
    *,
    rename: Any = False,
    defaults: Any = None,
    module: Any = None,
) -> Any:
    fields = concrete(field_names)
    if not isinstance(fields, str):
        fields = [concrete(f) for f in interp.iterate(fields)]
    unclear = find_unknown([typename, fields])
    if unclear is not None:
        return interp.unknown("a named tuple with unknown fields", unclear)
    values = None if defaults is None else list(interp.iterate(defaults))
    return record_type(interp, typename, fields, values, bool(rename))


def _collections(interp: Interpreter) -> Namespace:
    stubbed = from_stub(interp, "_ane_collections", "ChainMap", "UserDict", "UserList", "UserString")

    def missing(name: str) -> Any:
        # Python 3.10 dropped the abstract classes from here; programs that try them first fall back.
        return stubbed(name) if name in ("ChainMap", "UserDict", "UserList", "UserString") else MISSING

    return {
        "OrderedDict": OrderedDict, "defaultdict": DefaultDict, "deque": deque, "Counter": Counter,
        "namedtuple": _namedtuple, "__missing__": missing,
    }  # fmt: skip


def _from(stub: str, *names: str) -> Maker:
    return lambda interp: {"__missing__": from_stub(interp, stub, *names)}


MODULES: dict[str, Maker] = {
    "collections": _collections,
    "heapq": _from(
        "_ane_heapq", "heappush", "heappop", "heapify", "heapreplace", "heappushpop", "nlargest", "nsmallest", "merge"
    ),
    "bisect": _from("_ane_bisect", "bisect", "bisect_left", "bisect_right", "insort", "insort_left", "insort_right"),
}
