"""A model is read as it is captured; one that fails there and had asked is read as it runs by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ane_lsp.interp.frames import UnknownIteration
from ane_lsp.interp.values import PyRaise

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter


def either_way(interp: Interpreter, call: Callable[[], Any]) -> Any:
    """What `call` gives as the model it calls is captured, or by itself. Where it fails both ways, what the first recorded and
    raised counts."""
    recorder = interp.recorder
    kept, frame, modules, doubtful = recorder.snapshot(), interp.frame, list(recorder.modules), interp.doubtful
    try:
        return call()
    except PyRaise as raised:
        if not (interp.capture and recorder.graph.asks_capture):
            raise
        captured, doubted = recorder.take(kept), interp.doubtful
        capture, interp.capture, interp.doubtful = interp.capture, "", doubtful
        interp.back_to(frame, modules)
        through = False
        try:
            result = call()
            through = True
            return result
        except (PyRaise, UnknownIteration, RecursionError):
            raise raised from None
        finally:
            interp.capture = capture
            if not through:
                recorder.restore(kept)
                recorder.put(captured)
                interp.doubtful = doubted


__all__ = ["either_way"]
