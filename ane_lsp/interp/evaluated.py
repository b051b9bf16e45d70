"""``eval`` and ``exec``: known texts are interpreted like any other source; nothing is run."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Literal

from ane_lsp.graph import Unknown
from ane_lsp.interp.frames import Frame
from ane_lsp.interp.support import concrete, find_unknown, native, too_large
from ane_lsp.interp.values import ModuleObject, OneOf, PyRaise

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

_LONGEST = 20_000  # characters of a text


def parsed(interp: Interpreter, source: Any, mode: Literal["eval", "exec"]) -> Any:
    """The tree of a text, with the place of the call in all its nodes; Unknown where the text is not known."""
    text = concrete(source)
    if not isinstance(text, str):
        return interp.unknown("the evaluation of a text that is not known", find_unknown(text))
    if len(text) > _LONGEST:
        return too_large(interp, "the text")
    try:
        tree = ast.parse(text.strip() if mode == "eval" else text, mode=mode)
    except (SyntaxError, ValueError) as error:
        raise PyRaise(SyntaxError(str(error))) from None
    except (RecursionError, MemoryError):
        return too_large(interp, "the text")
    here = interp.frame.node
    for node in ast.walk(tree):
        for name in ("lineno", "col_offset", "end_lineno", "end_col_offset"):
            if hasattr(node, name):
                setattr(node, name, getattr(here, name, 1))
    return tree


def _frame(interp: Interpreter, globals: Any, locals: Any) -> Any:
    """Where a text is evaluated with these namespaces; None where none is given, Unknown where one is not known."""
    if globals is None and locals is None:
        return None
    if not isinstance(globals, (dict, type(None))) or not isinstance(locals, (dict, type(None))):
        return interp.unknown("a namespace that is not known", find_unknown([globals, locals]))
    frame = interp.frame
    module = ModuleObject(frame.module.name, frame.module.path)
    module.state = "done"
    module.namespace = frame.module.namespace if globals is None else globals
    return Frame(module, module.namespace if locals is None else locals, None, frame, "<module>")


@native("eval")
def evaluate(interp: Interpreter, source: Any, globals: Any = None, locals: Any = None, /) -> Any:
    """An expression in a text."""
    tree = parsed(interp, source, "eval")
    if isinstance(tree, Unknown):
        return tree
    frame = _frame(interp, globals, locals)
    return frame if isinstance(frame, Unknown) else interp.eval(tree.body, frame or interp.frame)


@native("exec", stores=True)
def execute(interp: Interpreter, source: Any, globals: Any = None, locals: Any = None, /) -> Any:
    """Statements in a text. What they bind in a function is lost, as it is in Python."""
    if isinstance(source, OneOf):
        return interp.unknown("exec() of one of several texts")
    tree = parsed(interp, source, "exec")
    frame = _frame(interp, globals, locals)
    lost = find_unknown([tree, frame])
    caller = interp.frame
    if lost is not None:
        lost = interp.unknown("a text of which nobody knows what it does", lost)
        if caller.names is None and globals is None and locals is None:
            caller.module.lost_star = lost
        return lost
    if frame is None:
        inside = caller.names is not None
        frame = Frame(
            caller.module, {} if inside else caller.locals, caller if inside else caller.closure, caller, "<module>"
        )
    interp.frame = frame
    try:
        interp.run_block(tree.body, frame)
    finally:
        interp.frame = caller
    return None


__all__ = ["evaluate", "execute"]
