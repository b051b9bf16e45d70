"""Baseline files: the findings of existing code, so that only new ones are reported."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from ane_lsp.checks.finding import Finding
from ane_lsp.cli.errors import UsageError
from ane_lsp.cli.output import write_text
from ane_lsp.report.model import Report

VERSION = 2


def hide_known(report: Report, path: Path) -> tuple[list[Finding], int]:
    """The findings that the baseline does not record, and how many it hid.

    A finding is known by file, code, the function or class around it and its expression, so that edits elsewhere do not bring
    it back; in a file of version 1 by file, code, model and the text of its line. Two equal ones are known only if two were
    recorded. Raises UsageError for a file that is not a baseline.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        version = document["version"]
        if version not in (1, VERSION):
            raise UsageError(f"--baseline: {path} has version {version}, this program reads 1 and {VERSION}")
        left = Counter({entry["fingerprint"]: int(entry["count"]) for entry in document["findings"]})
    except OSError as error:
        raise UsageError(f"--baseline: cannot read {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise UsageError(f"--baseline: {path} is not a baseline written by ane-lsp") from None
    new = []
    for finding in report.findings:
        fingerprint = report.fingerprint(finding) if version == VERSION else report.line_fingerprint(finding)
        if left[fingerprint] > 0:
            left[fingerprint] -= 1
        else:
            new.append(finding)
    return new, len(report.findings) - len(new)


def write_baseline(report: Report, path: Path) -> None:
    """Record every finding of the run. Raises UsageError where the file cannot be written."""
    entries: dict[str, dict[str, object]] = {}
    for finding in report.findings:
        fingerprint = report.fingerprint(finding)
        entry = entries.setdefault(
            fingerprint,
            {"fingerprint": fingerprint, "file": report.path(finding.span.file), "code": finding.code, "count": 0},
        )
        entry["count"] = int(str(entry["count"])) + 1
    document = {"version": VERSION, "findings": list(entries.values())}
    write_text("--write-baseline", path, json.dumps(document, indent=2) + "\n")
