"""Structural pattern matching (``match``)."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Unknown
from ane_lsp.interp.frames import Frame, UnknownIteration
from ane_lsp.interp.values import MISSING

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter


def matches(interp: Interpreter, pattern: ast.pattern, subject: Any, frame: Frame) -> Any:
    """Whether `subject` matches: True, False or Unknown. Names are bound as far as the match goes."""
    if isinstance(pattern, ast.MatchValue):
        return interp.truth(interp.equal(subject, interp.eval(pattern.value, frame)))
    if isinstance(pattern, ast.MatchSingleton):
        return interp.identical(subject, pattern.value)
    if isinstance(pattern, ast.MatchAs):
        verdict = True if pattern.pattern is None else matches(interp, pattern.pattern, subject, frame)
        if verdict is not False and pattern.name is not None:
            interp.store(frame, pattern.name, subject)
        return verdict
    if isinstance(pattern, ast.MatchOr):
        verdicts = []
        for option in pattern.patterns:
            verdict = matches(interp, option, subject, frame)
            if verdict is True:
                return True
            verdicts.append(verdict)
        return next((v for v in verdicts if v is not False), False)
    if isinstance(subject, Unknown):
        return subject
    if isinstance(pattern, ast.MatchSequence):
        return _sequence(interp, pattern, subject, frame)
    if isinstance(pattern, ast.MatchMapping):
        if not isinstance(subject, dict):
            return False
        undecided: Any = True
        for key_node, part in zip(pattern.keys, pattern.patterns):
            key = interp.eval(key_node, frame)
            if key not in subject:
                return False
            undecided = _both(undecided, matches(interp, part, subject[key], frame))
            if undecided is False:
                return False
        if pattern.rest is not None:
            taken = [interp.eval(k, frame) for k in pattern.keys]
            interp.store(frame, pattern.rest, {k: v for k, v in subject.items() if k not in taken})
        return undecided
    if isinstance(pattern, ast.MatchClass):
        return _class(interp, pattern, subject, frame)
    return interp.unknown("a pattern that is not modelled")


def _both(left: Any, right: Any) -> Any:
    if left is False or right is False:
        return False
    return right if left is True else left


def _sequence(interp: Interpreter, pattern: ast.MatchSequence, subject: Any, frame: Frame) -> Any:
    if isinstance(subject, (str, bytes, dict)) or not isinstance(subject, (list, tuple)):
        return False
    try:
        items = list(interp.iterate(subject))
    except UnknownIteration as lost:
        return lost.unknown
    star = next((i for i, p in enumerate(pattern.patterns) if isinstance(p, ast.MatchStar)), None)
    count = len(pattern.patterns)
    if (star is None and len(items) != count) or len(items) < count - 1:
        return False
    verdict: Any = True
    for i, part in enumerate(pattern.patterns):
        if isinstance(part, ast.MatchStar):
            if part.name is not None:
                interp.store(frame, part.name, items[i : len(items) - (count - i - 1)])
            continue
        item = items[i] if star is None or i < star else items[len(items) - (count - i)]
        verdict = _both(verdict, matches(interp, part, item, frame))
        if verdict is False:
            return False
    return verdict


def _class(interp: Interpreter, pattern: ast.MatchClass, subject: Any, frame: Frame) -> Any:
    cls = interp.eval(pattern.cls, frame)
    verdict = interp.isinstance(subject, cls)
    if verdict is False:
        return False
    names = list(pattern.kwd_attrs)
    parts = list(pattern.kwd_patterns)
    if pattern.patterns:
        declared = interp.lookup_attribute(cls, "__match_args__")
        if declared is MISSING:
            if len(pattern.patterns) == 1 and isinstance(cls, type):
                return _both(verdict, matches(interp, pattern.patterns[0], subject, frame))
            return interp.unknown("positional patterns of this class")
        names = [*list(interp.iterate(declared))[: len(pattern.patterns)], *names]
        parts = [*pattern.patterns, *parts]
    for name, part in zip(names, parts):
        value = interp.lookup_attribute(subject, name)
        if value is MISSING:
            return False
        verdict = _both(verdict, matches(interp, part, value, frame))
        if verdict is False:
            return False
    return verdict
