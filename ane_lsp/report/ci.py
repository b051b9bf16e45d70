"""Formats that CI systems read: GitHub annotations, GitLab code quality, JUnit, and a Markdown summary."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from xml.etree import ElementTree

from ane_lsp.checks.finding import Finding
from ane_lsp.report.model import Report
from ane_lsp.report.terminal import printable

_GITHUB_LEVEL = {"error": "error", "warning": "warning", "information": "notice", "hint": "notice"}
_GITLAB_SEVERITY = {"error": "critical", "warning": "major", "information": "minor", "hint": "info"}


def github(report: Report) -> str:
    """Workflow commands: one annotation a finding."""
    lines = []
    for finding in report.findings:
        region = report.region(finding.span)
        where = {
            "file": report.path(finding.span.file), "line": region.line, "endLine": region.end_line,
            "col": region.col, "endColumn": region.end_col, "title": f"{finding.code} {finding.name}",
        }  # fmt: skip
        lines.append(_command(_GITHUB_LEVEL[finding.severity], where, finding.message))
    for error in report.errors:
        region = report.region(error.span)
        where = {"file": report.path(error.span.file), "line": region.line, "title": f"ane-lsp: {error.kind}"}
        lines.append(_command("warning" if error.kind == "budget" else "error", where, error.message))
    return "".join(line + "\n" for line in lines)


def _command(level: str, properties: dict[str, object], message: str) -> str:
    def escape(text: str) -> str:
        return printable(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))

    def escape_property(text: str) -> str:
        return escape(text).replace(":", "%3A").replace(",", "%2C")

    joined = ",".join(f"{key}={escape_property(str(value))}" for key, value in properties.items())
    return f"::{level} {joined}::{escape(message)}"


def gitlab(report: Report) -> str:
    """A code quality report."""
    seen: dict[str, int] = defaultdict(int)
    issues = []
    for finding in report.findings:
        fingerprint = report.fingerprint(finding)
        seen[fingerprint] += 1
        issues.append({
            "description": finding.message,
            "check_name": finding.code,
            "fingerprint": fingerprint if seen[fingerprint] == 1 else f"{fingerprint}-{seen[fingerprint]}",
            "severity": _GITLAB_SEVERITY[finding.severity],
            "location": {
                "path": report.path(finding.span.file),
                "lines": {"begin": finding.span.line, "end": finding.span.end_line},
            },
        })  # fmt: skip
    for number, error in enumerate(report.errors):
        path = report.path(error.span.file)
        issues.append({
            "description": error.message, "check_name": error.kind, "fingerprint": f"{error.kind}-{number}-{path}",
            "severity": "critical", "location": {"path": path, "lines": {"begin": error.span.line}},
        })  # fmt: skip
    return json.dumps(issues, indent=2) + "\n"


_NO_CHARACTERS = {0xFFFE: "\ufffd", 0xFFFF: "\ufffd"}


def junit(report: Report) -> str:
    """One suite a file, one case a finding; findings too mild to fail the run pass, with their text as output."""
    by_file: dict[str, list[Finding]] = {file: [] for file in report.checked}
    for finding in report.findings:
        by_file.setdefault(finding.span.file, []).append(finding)
    for error in report.errors:
        by_file.setdefault(error.span.file, [])
    root = ElementTree.Element("testsuites", name="ane-lsp")
    total = failures = 0
    for file, findings in sorted(by_file.items()):
        errors = [error for error in report.errors if error.span.file == file]
        failed = sum(report.fails(finding.severity) for finding in findings)
        cases = len(findings) + len(errors) or 1
        total, failures = total + cases, failures + failed
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=_xml(report.path(file)),
            tests=str(cases),
            failures=str(failed),
            errors=str(len(errors)),
        )
        for finding in findings:
            region = report.region(finding.span)
            case = _case(suite, report.path(file), f"{finding.code} {finding.name} ({region.line}:{region.col})")
            case.set("line", str(region.line))
            if report.fails(finding.severity):
                failure = ElementTree.SubElement(case, "failure", message=_xml(finding.message), type=finding.severity)
                failure.text = _xml(f"{report.path(file)}:{region.line}:{region.col}: {finding.message}")
            else:
                ElementTree.SubElement(case, "system-out").text = _xml(f"{finding.severity}: {finding.message}")
        for error in errors:
            case = _case(suite, report.path(file), f"{error.kind} ({error.span.line})")
            ElementTree.SubElement(case, "error", message=_xml(error.message), type=error.kind)
        if not findings and not errors:
            _case(suite, report.path(file), "clean")
    root.set("tests", str(total))
    root.set("failures", str(failures))
    root.set("errors", str(len(report.errors)))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _case(suite: ElementTree.Element, path: str, name: str) -> ElementTree.Element:
    classname = _xml(path).removesuffix(".py").replace("/", ".")
    return ElementTree.SubElement(suite, "testcase", classname=classname, name=_xml(name))


def _xml(text: str) -> str:
    """XML 1.0 has no escape for control characters, nor for the two code points that stand for no character."""
    return printable(text.replace("\n", " ")).translate(_NO_CHARACTERS)


def markdown(report: Report) -> str:
    """A summary for a pull request or a job page."""
    out = ["## ane-lsp", ""]
    if report.models:
        out += ["| Model | Operations | On the ANE | Unknown shapes | Findings |", "|---|---:|---:|---:|---:|"]
        for model in report.models:
            where = f"{_cell(model.name)} ({_code(f'{report.path(model.span.file)}:{model.span.line}')})"
            on_ane = f"{model.on_ane} ({_cell(model.target)})"
            out.append(f"| {where} | {model.ops} | {on_ane} | {model.unknown_shapes} | {model.findings} |")
        out.append("")
    if report.findings:
        out += ["| Where | Severity | Rule | What |", "|---|---|---|---|"]
        for finding in report.findings:
            region = report.region(finding.span)
            where = _code(f"{report.path(finding.span.file)}:{region.line}:{region.col}")
            rule = f"{finding.code} {finding.name}"
            out.append(f"| {where} | {finding.severity} | {rule} | {_cell(finding.message)} |")
    else:
        out.append(f"No findings in {report.files} file{'s' * (report.files != 1)}.")
    if report.errors:
        out += ["", "Not analysed in full:", ""]
        out += [f"- {_code(f'{report.path(e.span.file)}:{e.span.line}')}: {_cell(e.message)}" for e in report.errors]
    if report.statistics and report.findings:
        out += [
            "",
            "| Rule | Count |",
            "|---|---:|",
            *(f"| {code} {name} | {n} |" for code, name, n in report.counts()),
        ]
    return "\n".join(out) + "\n"


_MARKDOWN = re.compile(r"([\\\\`*\[\]|])")


def _cell(text: str) -> str:
    """Text as it is: nothing in it links, mentions somebody, ends the cell or counts as HTML."""
    safe = _MARKDOWN.sub(r"\\\1", printable(text.replace("\n", " ")))
    return safe.replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")


def _code(text: str) -> str:
    """A code span in a table; no backslash of ours helps inside one, except before a bar."""
    return "`" + printable(text).replace("`", "'").replace("|", "\\|") + "`"
