"""A verification as plain data and as the rows people read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ane_lsp.checks.finding import Finding
from ane_lsp.placement.data import to_json as placement_json
from ane_lsp.verify.compare import counts
from ane_lsp.verify.program import NOWHERE
from ane_lsp.verify.run import Verification, plan_agreement, platform_note

VERSION = 1
_GATE_DB = 40.0


def to_json(found: Verification, path: Callable[[str], str] = str) -> dict[str, Any]:
    """Everything, version 1; keys may be added. Places as in ``check --format json``."""
    results = found.outcome.results
    program = results.get("program", {})
    return {
        "version": VERSION,
        "ended": found.outcome.ended,
        "message": found.outcome.message,
        "seconds": round(found.outcome.seconds, 2),
        "file": path(found.job.file),
        "entry": found.job.entry,
        "versions": _without(results.get("versions", {}), "kind"),
        "model": _without(results.get("model", {}), "kind"),
        "conversion": {
            "path": program.get("path"),
            "seconds": program.get("convert_seconds"),
            "attempts": program.get("attempts") or results.get("failed", {}).get("attempts", []),
            **lined(found),
        },
        "comparison": {
            "counts": counts(found.comparisons),
            "findings": [{"status": c.status, "why": c.why, **_finding(c.finding, path)} for c in found.comparisons],
        },
        "findings": [_finding(f, path) for f in found.findings],
        "numbers": _without(results.get("numbers", {}), "kind"),
        "mil": _without(results.get("mil", {}), "kind"),
        "plan": _without(results.get("plan", {}), "kind"),
        "coreai": _without(results.get("coreai", {}), "kind"),
        "placement": placement_json(found.placed, path) if found.placed is not None else None,
        "predicted": placement_json(found.predicted, path) if found.predicted is not None else None,
        "elsewhere": [placement_json(plan, path) for plan in found.elsewhere],
        "operations": _rates(found),
        "note": platform_note(),
        "output": found.outcome.output,
    }


def _rates(found: Verification) -> dict[str, dict[str, int]] | None:
    """How many operations the source says, the program has, and both: by kind; by kind and line; with shapes; with dtypes."""
    if found.agreement is None:
        return None
    rates = {name: getattr(found.agreement, name) for name in ("anywhere", "kinds", "shapes", "dtypes", "refused")}
    return {name: {"source": r.said, "program": r.there, "both": r.both} for name, r in rates.items()}


def lined(found: Verification) -> dict[str, int]:
    """How many operations the program has, and how many of them have a source line."""
    ops = found.program.ops if found.program is not None else []
    return {"ops": len(ops), "with_line": sum(op.span != NOWHERE for op in ops)}


def _without(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {k: v for k, v in data.items() if k != key}


def _finding(finding: Finding, path: Callable[[str], str]) -> dict[str, Any]:
    span = finding.span
    return {
        "code": finding.code, "name": finding.name, "severity": finding.severity, "message": finding.message,
        "file": path(span.file), "line": span.line, "col": span.col, "end_line": span.end_line, "end_col": span.end_col,
    }  # fmt: skip


def facts(found: Verification) -> Iterator[tuple[str, str]]:
    """(label, text) of what was run and what came out, for text and HTML."""
    results = found.outcome.results
    versions = results.get("versions", {})
    if versions:
        packages = ", ".join(f"{k} {v}" for k, v in versions["packages"].items() if v)
        yield "with", f"Python {versions['python']} ({versions['executable']}): {packages or 'none of the packages'}"
        for note in versions["notes"]:
            yield "known problem", note
    model = results.get("model")
    if model:
        inputs = ", ".join(f"{i['name']} {'x'.join(map(str, i['shape']))} {i['dtype']}" for i in model["inputs"])
        yield (
            "model",
            f"{model['name']}, {model['parameters']:,} parameters, called on {inputs} (from {model['source']})",
        )
        for note in model["notes"]:
            yield "note", note
    program = results.get("program")
    if program and found.program is not None:
        numbers = lined(found)
        yield (
            "converted",
            f"by the {program['path']} path in {program['convert_seconds']:.1f} s: {numbers['ops']} operations, "
            f"{numbers['with_line']} with a source line",
        )
    for attempt in (program or results.get("failed", {})).get("attempts", ()):
        yield "did not convert", f"{attempt['path']}: {attempt['message'][:300]}"
    if found.agreement is not None:
        rate = found.agreement.anywhere
        yield (
            "source and program",
            f"the source foretells {rate.said} operations; the program has {rate.there}, {rate.both} of them foretold",
        )
    if found.comparisons:
        yield "findings", ", ".join(f"{n} {status}" for status, n in counts(found.comparisons).items() if n)
    yield from _numbers(results.get("numbers"))
    mil = results.get("mil")
    if mil:
        for precision in ("fp32", "fp16"):
            if precision in mil:
                yield f"the program, computed here in {precision}", mil[precision]["text"]
        if "missing" in mil:
            yield "the program, computed here", mil["text"]
    plan = results.get("plan")
    if plan:
        agreeing, compared = plan_agreement(found)
        on_ane = sum(row["preferred"] == "ANE" for row in plan["operations"])
        yield (
            "Core ML's plan",
            f"{on_ane} of {len(plan['operations'])} operations on the ANE; {agreeing} of {compared} as predicted",
        )
        yield "latency", ", ".join(f"{units} {ms} ms" for units, ms in plan["latency_ms"].items())
    core_ai = results.get("coreai")
    if core_ai:
        yield "Core AI", core_ai.get("message", "")
        for run in core_ai.get("runs", ()):
            yield f"Core AI {run['precision']}", run["text"]
    if platform_note() and program:
        yield "not checked", platform_note()


def _numbers(numbers: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    if not numbers:
        return
    for row in numbers["outputs"]:
        label = f"output {row['index']}"
        shape = _spoken(row["shape"])
        if row["kind"] == "shape":
            yield label, f"{shape}: {_spoken(row['made'])} instead"
        elif row["kind"] == "integer":
            yield label, f"{shape}: {'equal' if row['equal'] else 'differs'} in fp16"
        elif row["peak"] == 0:
            yield label, f"{shape}: all zero for these inputs, which says nothing about the numbers"
        elif row["max_error"] is None:
            yield label, f"{shape}: no finite number is left in fp16"
        else:
            yield (
                label,
                f"{shape}: {float(row['psnr']):.1f} dB, largest error {row['max_error']:.3g} of {row['peak']} ({numbers['method']})",
            )
    yield "40 dB gate", "passed" if numbers["passes"] else "not passed"


def _spoken(shape: list[int]) -> str:
    return "x".join(map(str, shape)) or "scalar"


def numbers_rows(found: Verification) -> list[list[tuple[str, str]]]:
    """(text, class) cells: who computed, which output, PSNR against torch in fp32, largest error, whether it passes the gate."""
    results = found.outcome.results
    computed = [("torch, results rounded to fp16", results.get("numbers") or {})]
    computed += [(f"the program here, {p}", (results.get("mil") or {}).get(p) or {}) for p in ("fp32", "fp16")]
    computed += [(f"Core AI, {run['precision']}", run) for run in (results.get("coreai") or {}).get("runs", ())]
    rows = []
    for who, result in computed:
        for output in result.get("outputs", ()):
            shape, passed = _spoken(output["shape"]), False
            if output["kind"] == "shape":
                cells = [f"{_spoken(output['made'])} instead", "", "not passed"]
            elif output["kind"] == "integer":
                cells = ["equal" if output["equal"] else "differs", "", ""]
                passed = bool(output["equal"])
            else:
                passed = float(output["psnr"]) >= _GATE_DB
                error = output["max_error"]
                cells = [
                    f"{float(output['psnr']):.1f} dB",
                    "" if error is None else f"{error:.3g} of {output['peak']}",
                    "passed" if passed else "not passed",
                ]
            kinds = ["good" if passed else "bad", "", "good" if passed else "bad"]
            rows.append([(who, ""), (f"{output['index']}: {shape}", "mono"), *zip(cells, kinds, strict=True)])
    return rows
