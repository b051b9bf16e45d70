"""What a process and everything it started use, from /proc."""

from __future__ import annotations

import os
import re
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def family(pid: int) -> list[int]:
    """A process and everything it started, from /proc."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError, IndexError):
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for one in found:
        found += parents.get(one, [])
    return found


def processor_time(pid: int) -> float:
    """Seconds a process and everything it started have used."""
    total = 0
    for one in family(pid):
        try:
            total += sum(map(int, Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[11:15]))
        except (OSError, ValueError, IndexError):
            continue
    return total / _TICK


def memory(pid: int, what: str = "Pss") -> float:
    """Megabytes a process and everything it started hold, shared pages by their share.

    what: ``Pss_Anon`` leaves out pages of files, whose share rises when other programs that map them end.
    """
    total = 0
    for one in family(pid):
        try:
            match = re.search(rf"^{what}:\s+(\d+) kB", Path(f"/proc/{one}/smaps_rollup").read_text(), re.M)
        except OSError:
            continue
        total += int(match[1]) if match else 0
    return total / 1000
