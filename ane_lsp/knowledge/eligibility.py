"""May this operation run on this chip's ANE? The one place where that is answered, from ``rules/facts/ane-ops.csv``.

Rows of an op are read from the top; the first whose generations and condition fit decides. Rows for ``*`` hold for every op
and come first where they say no. A measurement through Core ML beats every other source, because a converted model takes that
route; what private compiler calls showed counts as reported.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import Literal, cast

from ane_lsp.graph import Op
from ane_lsp.graph.records import dataclass
from ane_lsp.knowledge import features, tables, targets
from ane_lsp.knowledge.evidence import Basis, Confidence, Evidence
from ane_lsp.knowledge.targets import Target

Answer = Literal["yes", "no", "depends", "unknown"]
_ANSWERS: tuple[Answer, ...] = ("yes", "no", "depends", "unknown")
BASES: tuple[Basis, ...] = ("measured", "documented", "reported")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an op may run on the ANE.

    reason: in words that follow the op's name ("max_pool has a 9x9 window; the widest accepted is 8"), "" for yes.
    code: the rule that says so, "" where no rule of its own does. scope: where it was seen ("measured on M4, macOS 27").
    """

    ane: Answer
    reason: str
    confidence: Confidence
    evidence: tuple[Evidence, ...]
    code: str = ""
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """One row of the table."""

    op: str
    generations: frozenset[int]  # empty: every one
    terms: tuple[features.Term, ...]
    ane: Answer
    basis: Basis
    chip: str
    os: str
    code: str
    reason: str
    source: str
    line: int

    def fits(self, target: Target) -> bool:
        return not self.generations or target.generation in self.generations

    def confidence(self, target: Target) -> Confidence:
        """What the observation is worth on a target."""
        return confidence_on(self.basis, self.chip, target)

    @property
    def scope(self) -> str:
        """Where it was seen, for a message."""
        where = ", ".join(part for part in (self.chip, self.os) if part)
        if self.basis == "documented":
            return "documented by Apple"
        if self.basis == "measured":
            return f"measured on {where}" if where else "seen in every conversion"
        return f"reported for {where}" if where else "reported"


def confidence_on(basis: Basis, chip: str, target: Target) -> Confidence:
    """What an observation made on `chip` is worth on `target`: a measurement stays one on the same engine generation and
    kind of OS (or where no chip took part, as in a conversion), and is carried elsewhere."""
    if basis != "measured":
        return basis
    return "measured" if not chip or _same_engine(chip, target.generation, target.family) else "carried"


@cache
def _same_engine(chip: str, generation: int, family: str) -> bool:
    try:
        seen = targets.resolve(chip)
    except targets.TargetError:
        return False
    return any(t.generation == generation != 0 and t.family == family for t in seen)


COLUMNS = ("op", "generations", "when", "ane", "confidence", "chip", "os", "code", "reason", "source")


@cache
def facts() -> Mapping[str, tuple[Fact, ...]]:
    """Every row, by op. Raises KnowledgeError for a wrong one."""
    found: dict[str, list[Fact]] = {}
    for row in tables.load("ane-ops.csv", COLUMNS, ("op", "generations", "ane", "confidence", "source")):
        try:
            terms = features.parse(row["when"])
        except ValueError as error:
            raise row.fail("when", str(error)) from None
        if row["chip"]:
            try:
                targets.resolve(row["chip"])
            except targets.TargetError as error:
                raise row.fail("chip", str(error)) from None
        try:
            row["reason"].format_map(dict.fromkeys(features.FEATURES, ""))
        except (KeyError, ValueError, IndexError):
            raise row.fail("reason", "names something that is not a property of an operation") from None
        fact = Fact(
            op=row["op"],
            generations=tables.generations(row, "generations"),
            terms=terms,
            ane=cast(Answer, row.choice("ane", _ANSWERS)),
            basis=cast(Basis, row.choice("confidence", BASES)),
            chip=row["chip"],
            os=row["os"],
            code=row["code"],
            reason=row["reason"],
            source=row["source"],
            line=row.line,
        )
        found.setdefault(row["op"], []).append(fact)
    return {op: tuple(rows) for op, rows in found.items()}


def op(op: Op, target: Target, merged: Collection[int] = ()) -> Verdict:
    """Whether `op` may run on the ANE of `target`. merged: see :func:`ane_lsp.graph.rearranging.rearranged`.

    An op that folds away at conversion never runs and answers yes. A size that is a symbol is taken to be within limits.
    """
    return on(target, merged)(op)


def on(target: Target, merged: Collection[int] = ()) -> Callable[[Op], Verdict]:
    """The same, for many ops."""
    table = facts()
    asked = target.chip, target.generation, target.family, id(table)

    def verdict(op: Op) -> Verdict:
        if op.folds:
            return _FOLDED
        if op.id in merged:
            return _MERGED
        found: Verdict | None = op.alike.get(asked)
        if found is None:
            found = op.alike[asked] = _known(op, target, table)
        return found

    return verdict


def _known(op: Op, target: Target, table: Mapping[str, tuple[Fact, ...]]) -> Verdict:
    if op.kind.startswith("aten."):
        return _UNCONVERTED
    try:
        key = _likeness(op, target)
        known = _decided.get(key)
    except TypeError:  # something in it that cannot be told from others
        return _decide(op, target, table)
    if known is None or known[0] is not table:
        if len(_decided) >= _MAX_DECIDED:
            _decided.clear()
        known = _decided[key] = table, _decide(op, target, table)
    return known[1]


_FOLDED = Verdict("yes", "computed at conversion", "measured", ())
_MERGED = Verdict("yes", "becomes steps of at most five axes at conversion", "measured", ())
_UNCONVERTED = Verdict("unknown", "it has no known conversion", "reported", ())
_MAX_DECIDED = 20_000
# Verdicts on operations that no property tells apart, with the table they come from: models repeat their blocks.
_decided: dict[tuple[object, ...], tuple[Mapping[str, tuple[Fact, ...]], Verdict]] = {}


def _likeness(op: Op, target: Target) -> tuple[object, ...]:
    """Equal for operations that no property in :mod:`features` tells apart. Raises TypeError where that is not known."""
    operands: list[object] = []
    for name, given in op.inputs.items():
        operands += (name, given.__class__)
        for value in given if isinstance(given, tuple) else (given,):
            operands += (value.type.shape, value.type.dtype, value.is_const)
    made = [(v.type.shape, v.type.dtype, v.is_const) for v in op.outputs]
    return (
        target.chip,
        target.generation,
        target.family,
        op.kind,
        *operands,
        *made,
        *[
            (name, given.__class__, given) if given.__class__ in _SINGLE else (name, _exactly(given))
            for name, given in op.attrs.items()
        ],
    )


_SINGLE = frozenset({bool, int, float, str, type(None)})


def _exactly(item: object) -> object:
    """A constant with its class: 1, 1.0 and True are equal and answer differently."""
    if isinstance(item, (tuple, list)):
        return (item.__class__, *map(_exactly, item))
    return item.__class__, item


def _decide(op: Op, target: Target, table: Mapping[str, tuple[Fact, ...]]) -> Verdict:
    own = table.get(op.kind, ())
    decided: Fact | None = None
    doubt = False
    asked: dict[str, features.Answer] = {}
    for fact in own:
        if not fact.fits(target):
            continue
        found = features.holds(fact.terms, op, asked)
        if found is None:
            doubt = doubt or fact.ane == "no"
        elif found:
            decided = fact
            break
    if decided is None or decided.ane != "no":
        for fact in table.get("*", ()):
            if fact.fits(target) and features.holds(fact.terms, op, asked):
                return _verdict(fact, op, target)
    if decided is None:
        return Verdict("unknown", "nothing is known about this operation", "reported", ())
    if decided.ane == "yes" and doubt:
        return Verdict("unknown", "a parameter that decides it is not known here", "reported", ())
    return _verdict(decided, op, target)


def _verdict(fact: Fact, op: Op, target: Target) -> Verdict:
    reason = fact.reason
    if "{" in reason:
        reason = reason.format_map(
            {name: _shown(ask(op)) for name, ask in features.FEATURES.items() if f"{{{name}}}" in reason}
        )
    evidence = Evidence(reason or "runs on the ANE", fact.source, fact.chip, fact.os)
    return Verdict(fact.ane, reason, fact.confidence(target), (evidence,), fact.code, fact.scope)


def _shown(answer: features.Answer) -> str:
    return "?" if answer is None else str(answer)
