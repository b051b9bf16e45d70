"""What ends a command early."""

from __future__ import annotations

CLEAN = 0
FINDINGS = 1
FAILED = 2
"""Exit codes: nothing to report; findings at or above the failing severity; wrong usage or an internal error."""


class UsageError(Exception):
    """The command line asks for something that cannot be done. Printed without a traceback, exit code 2."""
