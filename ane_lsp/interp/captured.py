"""A model is read as it is captured; one that fails there and had asked is read as it runs by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ane_lsp.interp.frames import UnknownIteration
from ane_lsp.interp.record import registered
from ane_lsp.interp.values import Instance, PyRaise

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter
    from ane_lsp.interp.torch_glue import TorchGlue


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


def leave_training(interp: TorchGlue, model: Instance) -> None:
    """Put a model in the mode in which it is converted. Where its `train` is no switch but what trains it, which asks for data, the
    flags are changed alone."""
    frame, modules = interp.frame, list(interp.recorder.modules)
    try:
        interp.call(interp.getattr(model, "eval"), ())
    except PyRaise:
        interp.back_to(frame, modules)
        pending, seen = [model], {id(model)}
        for one in pending:
            interp.touch(one.attrs)
            one.attrs["training"] = False
            for _, child in registered(one, "_modules"):
                if isinstance(child, Instance) and id(child) not in seen:
                    seen.add(id(child))
                    pending.append(child)


__all__ = ["either_way", "leave_training"]
