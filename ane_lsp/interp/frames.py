"""Activations of interpreted code, and how a block ends."""

from __future__ import annotations

import ast
from typing import Any

from ane_lsp.graph import Span, Unknown
from ane_lsp.interp.references import HELD, references
from ane_lsp.interp.values import Function, ModuleObject

UNDECIDED = "depends on a condition nobody can decide here"


class Frame:
    """One activation of a function, class body or module."""

    __slots__ = (
        "base",
        "catching",
        "class_body",
        "closure",
        "code",
        "cut",
        "depth",
        "encloses",
        "endless",
        "escapes",
        "extra",
        "function",
        "generator",
        "left",
        "locals",
        "module",
        "names",
        "node",
        "owner",
        "parent",
        "pending",
        "perhaps",
        "sent",
        "told",
    )  # fmt: skip

    def __init__(
        self,
        module: ModuleObject,
        locals: dict[str, Any],
        closure: Frame | None,
        parent: Frame | None,
        function: str,
        names: frozenset[str] | None = None,
    ) -> None:
        self.module = module
        self.locals = locals
        self.closure = closure
        self.parent = parent
        self.function = function
        self.names = names
        self.depth: int = parent.depth + 1 if parent is not None else 0
        self.node: Any = None  # the expression being evaluated, for attribution
        self.owner: Any = None  # class whose body defined the running function, for super()
        self.class_body = False
        self.encloses = False  # functions were made in it
        self.code: Any = None  # the definition of the running function, if it is no generator
        self.generator: Any = None  # and if it is one
        self.extra: dict[str, Any] | None = None  # what ``**kwargs`` took
        self.pending: list[Any] = []  # values returned under conditions nobody could decide
        self.told: dict[int, Any] = {}  # by place among them, what the condition says of sizes
        self.escapes: (
            list[Any] | None
        ) = []  # states in which the program left a block early; None where nothing asks for them
        self.base = 0  # branches nobody can decide that were being run when it began
        self.catching: tuple[ast.Try, ...] = ()  # those of which the body is being run
        # Of a comprehension or generator: whether its present element is one depends on what nobody can decide.
        self.perhaps = False
        self.endless = False  # and whether there may be any number of them
        self.left = 0  # of a generator: how often a loop may have been left in it, or it may have ended
        self.cut = False  # and whether what it yields at last was not looked at
        self.sent: dict[Any, Any] = {}  # what yield expressions evaluated to, in generators

    def standing(self) -> Frame:
        """An activation without names that stands where this one does now, and so do its callers."""
        parent = self.parent.standing() if self.parent is not None else None
        made = Frame(self.module, {}, None, parent, self.function, self.names)
        made.node, made.code, made.owner, made.class_body = self.node, self.code, self.owner, self.class_body
        return made


def forget_functions(frame: Frame, held: int) -> None:
    """Once a call is over: take the functions that it made out of its names, where only these hold them. They hold its frame, and so
    what its names stand for would stay until Python looks for circles. held: how often somebody holds the frame besides its caller."""
    own = [name for name, one in frame.locals.items() if one.__class__ is Function and one.closure is frame]
    if len(own) == held:
        counts = dict(zip(frame.locals, references(frame.locals.values())))
        if all(counts[name] == HELD for name in own):
            for name in own:
                del frame.locals[name]


def mangled(name: str, frame: Frame) -> str:
    """``__name`` inside a class is ``_Class__name``, as Python has it; other names are themselves."""
    if name[:2] == "__" and name[-2:] != "__" and frame.owner is not None:
        return f"_{frame.owner.name.lstrip('_')}{name}"
    return name


class Signal:
    """How a block ended early."""

    __slots__ = ("kind", "value")

    def __init__(self, kind: str, value: Any = None) -> None:
        self.kind = kind
        self.value = value


BREAK = Signal("break")
CONTINUE = Signal("continue")


FROM_ARGS = "from unknown *args"
"""Why an argument is unknown that stands for any number of them; its cause is the sequence."""


def of_unknown_number(args: tuple[Any, ...]) -> int | None:
    """The place of the positional argument that stands for nobody knows how many, if there is one."""
    for place, arg in enumerate(args):
        if arg.__class__ is Unknown and arg.reason == FROM_ARGS:
            return place
    return None


class UnknownIteration(Exception):
    """An unknown value was iterated; the statement at hand decides what that means."""

    def __init__(self, unknown: Unknown) -> None:
        super().__init__(unknown.reason)
        self.unknown = unknown


def item_of(sequence: Unknown, span: Span | None) -> Any:
    """An item of a sequence whose length is not known: what it looks like, where that is known, else an unknown."""
    return sequence.item if sequence.item is not None else Unknown("an item of something unknown", span, sequence)
