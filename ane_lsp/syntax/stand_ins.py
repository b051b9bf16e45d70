"""Modules that put another object in their own place: ``sys.modules[__name__] = LazyModule(...)``.

What such an object gives on first use is what an ``if TYPE_CHECKING:`` block above imports, and that is read instead. So nothing
need run that is done for the object alone: the packages of transformers list their folders for theirs, file by file.
"""

from __future__ import annotations

import ast

from ane_lsp.syntax.moving import mentioned_names
from ane_lsp.syntax.outline import Piece, words


def without_stand_in(block: ast.If, pieces: list[Piece] | None) -> list[ast.stmt]:
    """What is left to run of the ``else`` of an ``if TYPE_CHECKING:`` at the top level of a file that is cut into `pieces`."""
    known: list[ast.stmt] | None = getattr(block, "_without_stand_in", None)
    if known is None:
        known = _left(block, pieces) if pieces is not None else block.orelse
        block._without_stand_in = known  # type: ignore[attr-defined]
    return known


def _left(block: ast.If, pieces: list[Piece]) -> list[ast.stmt]:
    place = next((number for number, statement in enumerate(block.orelse) if _puts_stand_in(statement)), None)
    if place is None:
        return block.orelse
    before, after = block.orelse[:place], block.orelse[place + 1 :]
    wanted = set(mentioned_names(block.orelse[place]))  # by the object
    needed = _words_elsewhere(block, pieces).union(*map(mentioned_names, after))
    kept = []
    for statement in reversed(before):
        changed = _changed_by(statement)
        if changed is not None and changed <= wanted and changed.isdisjoint(needed):
            wanted |= mentioned_names(statement)
        else:
            kept.append(statement)
            needed |= mentioned_names(statement)
    return [*reversed(kept), *after]


def _puts_stand_in(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return False
    return ast.unparse(statement.targets[0]) == "sys.modules[__name__]"


def _changed_by(statement: ast.stmt) -> set[str] | None:
    """The names that a statement binds, or whose objects it calls a method of; None where it may do more than that."""
    if isinstance(statement, ast.Assign):
        names = {one.id for one in statement.targets if isinstance(one, ast.Name)}
        return names if len(names) == len(statement.targets) else None
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        function = statement.value.func
        if not isinstance(function, ast.Attribute):
            return None
        holder = function.value
        while isinstance(holder, ast.Subscript):
            holder = holder.value
        return {holder.id} if isinstance(holder, ast.Name) else None
    if isinstance(statement, ast.For) and isinstance(statement.target, ast.Name) and not statement.orelse:
        inside = [_changed_by(one) for one in statement.body]
        return set().union(*(one for one in inside if one is not None)) if None not in inside else None
    return None


def _words_elsewhere(block: ast.If, pieces: list[Piece]) -> set[str]:
    """The words of the file's definitions, and of its code below the block."""
    end = block.end_lineno or block.lineno
    found: set[str] = set()
    for piece in pieces:
        lines = piece.text.split("\n")
        found |= words("\n".join(lines if piece.name else lines[max(0, end + 1 - piece.line) :]))
    return found
