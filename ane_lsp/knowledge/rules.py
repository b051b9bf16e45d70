"""Rule pages: one Markdown file a rule, TOML front matter and fixed headings, as CONTRIBUTING describes.

Reading is lazy. Listing codes reads only file names; metadata parses one page's front matter; the body is split when a
reader asks for it. A check run therefore opens only the pages of rules that found something.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from functools import cache
from typing import Any, Literal, get_args

from ane_lsp.graph.records import dataclass
from ane_lsp.knowledge import files, tomlpos
from ane_lsp.knowledge.evidence import SEVERITIES, Basis, Evidence, Severity
from ane_lsp.knowledge.files import KnowledgeError

FixKind = Literal["none", "safe", "unsafe"]
ExampleKind = Literal["bad", "good", "near-miss"]

# The families, by the first digit of a code, and what a file's `category` must say.
CATEGORIES: Mapping[str, str] = {
    "0": "program", "1": "convert", "2": "placement", "3": "limits", "4": "performance", "5": "numerics", "6": "shapes",
    "7": "model", "8": "transformer", "9": "tool",
}  # fmt: skip
HEADINGS = ("What it flags", "Why", "How to fix", "When to ignore it", "Examples")

_NAME = re.compile(r"(ANE\d{3})-([a-z0-9]+(?:-[a-z0-9]+)*)\.md")
_FENCE = re.compile(r"^(`{3,}|~{3,})\s*(.*?)\s*$")
_EXPECT = re.compile(r"#\s*expect:\s*(ANE\d{3}(?:\s*,\s*ANE\d{3})*)\s*$")


@dataclass(frozen=True, slots=True)
class RuleEvidence:
    """One observation behind a rule. basis: how it is known; with `chip` "" it does not depend on the chip."""

    evidence: Evidence
    basis: Basis


@dataclass(frozen=True, slots=True)
class Example:
    """A complete small module. expected: line (from 1, in `source`) to the codes a run must report there.

    options: settings the example needs, as written behind the fence's kind (``targets=M1 minimum-deployment-target=iOS15``).
    line: where the source starts in the page.
    """

    kind: ExampleKind
    source: str
    expected: Mapping[int, tuple[str, ...]]
    options: Mapping[str, str]
    line: int


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule's metadata, the front matter of its page.

    ops: the MIL kinds or torch names it looks at. applies_to: targets or generations (``("all",)`` for every one).
    fix: whether a fix is offered and how safe it is. messages: templates the check may use, by key.
    """

    code: str
    name: str
    summary: str
    category: str
    severity: Severity
    ops: tuple[str, ...]
    applies_to: tuple[str, ...]
    fix: FixKind
    evidence: tuple[RuleEvidence, ...]
    messages: Mapping[str, str] = field(default_factory=dict)
    file: str = ""


@dataclass(frozen=True, slots=True)
class RulePage:
    """A whole page: metadata, the text under each heading, the examples."""

    rule: Rule
    sections: Mapping[str, str]
    examples: tuple[Example, ...]


@cache
def _files() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name in files.names(suffix=".md"):
        if not name.startswith("ANE"):
            continue
        match = _NAME.fullmatch(name)
        if match is None:
            raise KnowledgeError(
                name, 1, 1, "a rule page is called CODE-some-name.md, for example ANE302-max-pool-window.md"
            )
        if match[1] in found:
            raise KnowledgeError(name, 1, 1, f"{match[1]} is also the code of {found[match[1]]}")
        found[match[1]] = name
    return found


def codes() -> tuple[str, ...]:
    """Every rule code, in order. Reads file names only."""
    return tuple(_files())


def rule_name(code: str) -> str:
    """The rule's name (``max-pool-window``), from its file name. Raises KeyError for an unknown code."""
    return _files()[code][7:-3]


def by_name(name: str) -> str | None:
    """The code of a rule called `name`."""
    return next((code for code, file in _files().items() if file[7:-3] == name), None)


@cache
def get(code: str) -> Rule:
    """A rule's metadata. Raises KeyError for an unknown code, KnowledgeError for a wrong page."""
    file = _files()[code]
    return _split(file, files.read(file))[0]


@cache
def page(code: str) -> RulePage:
    """The whole page of a rule. Raises KeyError for an unknown code, KnowledgeError for a wrong page."""
    file = _files()[code]
    return parse_page(file, files.read(file))


def all_rules() -> tuple[Rule, ...]:
    """Every rule's metadata, by code. Parses every front matter: for listings, not for a check run."""
    return tuple(get(code) for code in codes())


def parse_page(file: str, text: str) -> RulePage:
    """A page from its text. Raises KnowledgeError with file, line and column."""
    rule, body, first = _split(file, text)
    sections, examples = _body(file, body, first, rule)
    return RulePage(rule, sections, examples)


def _split(file: str, text: str) -> tuple[Rule, list[str], int]:
    """Metadata, the body's lines, and the page line of the first of them."""
    lines = text.splitlines()
    if not lines or lines[0].strip() != "+++":
        raise KnowledgeError(file, 1, 1, "a rule page starts with a line +++ and TOML front matter")
    try:
        end = next(n for n, line in enumerate(lines[1:], 1) if line.strip() == "+++")
    except StopIteration:
        raise KnowledgeError(file, len(lines), 1, "the front matter is not closed by a line +++") from None
    matter = "\n".join(lines[1:end]) + "\n"
    return _front(file, matter), lines[end + 1 :], end + 2


class _Reader:
    """Takes checked values out of a table and turns a wrong one into a KnowledgeError at its key."""

    def __init__(self, file: str, text: str, offset: int) -> None:
        self.file = file
        self.text = text
        self.offset = offset

    def fail(self, path: tomlpos.KeyPath, message: str) -> KnowledgeError:
        line, col = tomlpos.position(self.text, path)
        return KnowledgeError(self.file, line + self.offset, col, message)

    def text_at(self, table: Mapping[str, Any], path: tomlpos.KeyPath, default: str | None = None) -> str:
        key = str(path[-1])
        if key not in table:
            if default is None:
                raise self.fail(path, f"`{key}` is missing")
            return default
        value = table[key]
        if not isinstance(value, str):
            raise self.fail(path, f"`{key}` must be a string")
        if not value.strip() and default is None:
            raise self.fail(path, f"`{key}` is empty")
        return value

    def choice(self, table: Mapping[str, Any], path: tomlpos.KeyPath, allowed: tuple[str, ...]) -> str:
        value = self.text_at(table, path)
        if value not in allowed:
            raise self.fail(path, f"`{path[-1]}` is {value!r}; it must be one of {', '.join(allowed)}")
        return value

    def strings(self, table: Mapping[str, Any], path: tomlpos.KeyPath) -> tuple[str, ...]:
        value = table.get(str(path[-1]))
        if value is None:
            raise self.fail(path, f"`{path[-1]}` is missing")
        if isinstance(value, str):
            return (value,)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.fail(path, f"`{path[-1]}` must be a list of strings")
        return tuple(value)

    def only(self, table: Mapping[str, Any], path: tomlpos.KeyPath, allowed: tuple[str, ...]) -> None:
        for key in table:
            if key not in allowed:
                raise self.fail((*path, key), f"`{key}` is not a key of this table ({', '.join(allowed)})")


_KEYS = ("code", "name", "summary", "category", "severity", "ops", "applies-to", "fix", "messages", "evidence")
_EVIDENCE_KEYS = ("claim", "source", "basis", "chip", "os", "grade", "date")


def _front(file: str, text: str) -> Rule:
    read = _Reader(file, text, 1)
    try:
        table = tomlpos.parse(text)
    except tomlpos.TomlError as error:
        raise KnowledgeError(file, error.line + 1, error.col, error.message) from None
    read.only(table, (), _KEYS)
    code = read.text_at(table, ("code",))
    name = read.text_at(table, ("name",))
    if file != f"{code}-{name}.md":
        raise read.fail(("code",), f"the file must be called {code}-{name}.md")
    if code[3:4] not in CATEGORIES:
        raise read.fail(("code",), f"{code} belongs to no family")
    category = read.choice(table, ("category",), tuple(CATEGORIES.values()))
    if category != CATEGORIES[code[3]]:
        raise read.fail(("category",), f"rules ANE{code[3]}xx have the category {CATEGORIES[code[3]]!r}")
    messages = table.get("messages", {})
    if not isinstance(messages, dict):
        raise read.fail(("messages",), "`messages` must be a table")
    for key, value in messages.items():
        if not isinstance(value, str):
            raise read.fail(("messages", key), "a message must be a string")
    observed = table.get("evidence")
    if not isinstance(observed, list) or not observed:
        raise read.fail(("evidence",), "a rule needs at least one [[evidence]] table")
    return Rule(
        code=code,
        name=name,
        summary=read.text_at(table, ("summary",)),
        category=category,
        severity=read.choice(table, ("severity",), SEVERITIES),  # type: ignore[arg-type]
        ops=read.strings(table, ("ops",)),
        applies_to=read.strings(table, ("applies-to",)),
        fix=read.choice(table, ("fix",), get_args(FixKind)),  # type: ignore[arg-type]
        evidence=tuple(_evidence(read, item, number) for number, item in enumerate(observed)),
        messages=messages,
        file=file,
    )


def _evidence(read: _Reader, item: Any, number: int) -> RuleEvidence:
    at: tomlpos.KeyPath = ("evidence", number)
    if not isinstance(item, dict):
        raise read.fail(at, "evidence is written as [[evidence]] tables")
    read.only(item, at, _EVIDENCE_KEYS)
    basis = read.choice(item, (*at, "basis"), get_args(Basis))
    grade = read.text_at(item, (*at, "grade"), "")
    if grade not in ("", "A", "B", "C", "D"):
        raise read.fail((*at, "grade"), f"`grade` is {grade!r}; it must be A, B, C or D")
    return RuleEvidence(
        Evidence(
            claim=read.text_at(item, (*at, "claim")),
            source=read.text_at(item, (*at, "source")),
            chip=read.text_at(item, (*at, "chip"), ""),
            os=read.text_at(item, (*at, "os"), ""),
            grade=grade,
            date=read.text_at(item, (*at, "date"), ""),
        ),
        basis,  # type: ignore[arg-type]
    )


def _body(file: str, lines: list[str], first: int, rule: Rule) -> tuple[Mapping[str, str], tuple[Example, ...]]:
    sections: dict[str, list[str]] = {}
    examples: list[Example] = []
    current: str | None = None
    fence: tuple[str, str, int] | None = None  # marker, info, index of the first line inside
    for index, line in enumerate(lines):
        match = _FENCE.match(line)
        if fence is not None:
            if match and match[1].startswith(fence[0]) and not match[2]:
                if current == "Examples":
                    example = _example(file, lines[fence[2] : index], fence[1], first + fence[2], rule)
                    if example is not None:
                        examples.append(example)
                fence = None
        elif match:
            fence = (match[1], match[2], index + 1)
        elif line.startswith("## "):
            title = line[3:].strip()
            expected = HEADINGS[len(sections)] if len(sections) < len(HEADINGS) else None
            if title != expected:
                wanted = f"expected `## {expected}` here" if expected else "no further heading is expected"
                raise KnowledgeError(file, first + index, 1, f"heading `{title}`: {wanted}")
            current = title
            sections[title] = []
            continue
        if current is not None:
            sections[current].append(line)
        elif line.strip():
            raise KnowledgeError(file, first + index, 1, f"text before `## {HEADINGS[0]}`")
    last = first + len(lines) - 1
    if fence is not None:
        raise KnowledgeError(file, first + fence[2] - 1, 1, "a code fence is not closed")
    if len(sections) < len(HEADINGS):
        raise KnowledgeError(file, last, 1, f"the heading `## {HEADINGS[len(sections)]}` is missing")
    for title, text in sections.items():
        if not any(part.strip() for part in text):
            raise KnowledgeError(file, last, 1, f"nothing stands under `## {title}`")
    if rule.category != "tool":
        for kind in get_args(ExampleKind):
            if not any(example.kind == kind for example in examples):
                raise KnowledgeError(file, last, 1, f"the rule has no ```python {kind} example")
    if all(observed.basis == "reported" for observed in rule.evidence):
        for example in examples:
            if example.kind == "bad" and example.options.get("min-confidence") != "reported":
                wanted = "```python bad min-confidence=reported"
                raise KnowledgeError(
                    file, example.line - 1, 1, f"default settings do not show what is only reported: {wanted}"
                )
    return {title: "\n".join(text).strip() for title, text in sections.items()}, tuple(examples)


def _example(file: str, lines: list[str], info: str, first: int, rule: Rule) -> Example | None:
    words = info.split()
    if len(words) < 2 or words[0] != "python" or words[1] not in get_args(ExampleKind):
        return None
    options: dict[str, str] = {}
    for word in words[2:]:
        key, equals, value = word.partition("=")
        if not equals:
            raise KnowledgeError(file, first - 1, 1, f"{word!r} behind an example's kind must be written key=value")
        options[key] = value
    expected: dict[int, tuple[str, ...]] = {}
    for number, line in enumerate(lines, 1):
        match = _EXPECT.search(line)
        if match:
            expected[number] = tuple(code.strip() for code in match[1].split(","))
    own = any(rule.code in found for found in expected.values())
    if words[1] == "bad" and not own:
        raise KnowledgeError(file, first, 1, f"a bad example marks a line with `# expect: {rule.code}`")
    if words[1] != "bad" and own:
        raise KnowledgeError(file, first, 1, f"a {words[1]} example must not expect {rule.code}")
    return Example(words[1], "\n".join(lines) + "\n", expected, options, first)  # type: ignore[arg-type]
