"""Every message says what, what follows with its scope, and what to do, in words a model author knows; so do the pages."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from ane_lsp.analysis import analyze
from ane_lsp.checks.finding import Finding
from ane_lsp.knowledge import rules
from ane_lsp.knowledge.evidence import Evidence
from ane_lsp.workspace import Settings, Workspace

LONGEST = 360
# Names of compilers' insides, hardware codes and slang that nobody should have to look up.
JARGON = re.compile(
    r"\b(?:MIL|HAL|ANEC\w*|Espresso|E5|segmenter|lower(?:ed|ing|s)|subnormals?|denormals?|BC1S|NCHW|NHWC|aten::\w+|SRAM|DMA|IOSurface"
    r"|h1[1-8][gscd]?|H1[1-8]|fallback|falls? back|op-?set|frontend|constexpr\w*|tiling|LUT|prim::\w+|IR)\b"
)  # fmt: skip
SCOPE = re.compile(
    r"measured|reported|Apple|coremltools|torch \d|torch\.export|arithmetic|every (?:chip|conversion)|iOS ?\d|macOS ?\d|carried"
    r"|documented|checked|deployment target|compiler|validator|trace"
)  # fmt: skip
# How a sentence that says what to do begins.
IMPERATIVES = re.compile(
    r"\W*(?:arrange|build|call|choose|clamp|compare|compress|compute|concatenate|consider|convert|crop|cut|divide|do|draw|drop|exclude|expand|export"
    r"|flatten|fold|give|interpolate|keep|leave|limit|load|look|make|mask|measure|merge|move|multiply|normalise|pack|pad|pass|permute|pool"
    r"|precompute|prefer|put|raise|reduce|repeat|replace|reshape|resize|return|round|run|scale|select|set|share|shorter|slice|sort|split"
    r"|stack|stay|subtract|take|target|time|trace|transpose|turn|unroll|upsample|use|write)\b", re.IGNORECASE
)  # fmt: skip
# Or what already gives the same.
_SAME = re.compile(r"(?:gives?|do|does|is) the same|\binstead\.$|is fine\.$|computes the same|converts\.$|is the same")


def advises(message: str) -> bool:
    """Whether some sentence after the first clause says what to do."""
    clauses = re.split(r"[.:;?,] |\) ", message)[1:]
    return bool(_SAME.search(message)) or any(IMPERATIVES.match(clause) for clause in clauses)


@cache
def findings() -> tuple[Finding, ...]:
    """What the bad examples of all pages report, the page's own rule only. ANE9xx speak of comments, in half a sentence."""
    import tempfile

    found: list[Finding] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "example.py"
        for code in rules.codes():
            for example in rules.page(code).examples:
                if example.kind != "bad" or code.startswith("ANE9"):
                    continue
                file.write_text(example.source, encoding="utf-8")
                given: dict[str, object] = dict(example.options) | {"min-confidence": "reported"}
                if "targets" in given:
                    given["targets"] = str(given["targets"]).split(",")
                settings, _ = Settings().merge(given)
                found += [f for f in analyze(file, Workspace(Path(folder)), settings).findings if f.code == code]
    return tuple(found)


def wrong(message: str) -> list[str]:
    """What is wrong with a message."""
    faults = []
    if len(message) > LONGEST:
        faults.append(f"{len(message)} characters, at most {LONGEST}")
    if not message.endswith("."):
        faults.append("it does not end with a full stop")
    if len(re.findall(r"[.:?](?:\s|$)", message)) < 2:
        faults.append("one sentence cannot say what, what follows and what to do")
    if JARGON.search(message):
        faults.append(f"jargon: {JARGON.search(message)}")
    if not SCOPE.search(message):
        faults.append("no scope: where was it seen, or who says so?")
    if not advises(message):
        faults.append("nothing to do about it")
    if re.search(r"\s{2}|!(?!=)|\bplease\b|\bsimply\b|\bjust\b", message):
        faults.append("double space, exclamation mark or filler")
    return faults


def test_messages() -> None:
    faults = {f"{f.code} at {f.span.line}: {f.message}": wrong(f.message) for f in findings()}
    assert faults, "no example reported anything"
    bad = {message: found for message, found in faults.items() if found}
    assert not bad, "\n".join(f"{message}\n    {'; '.join(found)}" for message, found in bad.items())


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        ("Bad.", "one sentence"), ("The HAL refuses it (measured on M4). Use another.", "jargon"), ("It is slow. Use another.", "scope"),
        ("It is slow (measured on M4). Really slow indeed.", "nothing to do"), ("It is slow (measured on M4), use another", "full stop"),
    ],
)  # fmt: skip
def test_the_style_test_can_fail(message: str, fault: str) -> None:
    assert any(fault in found for found in wrong(message))


@pytest.mark.parametrize("code", rules.codes())
def test_pages(code: str) -> None:
    page = rules.page(code)
    rule = page.rule
    assert len(rule.summary) <= 100
    assert not rule.summary.endswith(".")
    for title, text in page.sections.items():
        if title == "Examples":
            continue
        assert len(text) <= 2600, f"{title} is long: {len(text)} characters"
        prose = re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL)
        assert not JARGON.search(prose), f"{title}: {JARGON.search(prose)}"
    for observed in rule.evidence:
        check_evidence(observed.evidence, observed.basis)


def check_evidence(evidence: Evidence, basis: str) -> None:
    assert evidence.claim.endswith((".", "`")), evidence.claim
    assert len(evidence.claim) <= 400, evidence.claim
    if basis == "measured" and evidence.chip:
        assert evidence.date, f"a measurement has a date: {evidence.claim}"


FORBIDDEN = re.compile(r"/(?:work|opt|tmp|home)/|" + "pypi" + r"\.org")


@pytest.mark.parametrize("code", rules.codes())
def test_pages_hold_no_path_of_a_machine(code: str) -> None:
    page = rules.page(code)
    text = " ".join([*page.sections.values(), *(e.evidence.source for e in page.rule.evidence)])
    assert not FORBIDDEN.search(text)
