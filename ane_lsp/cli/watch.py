"""``ane-lsp check --watch``: check again whenever something changes that a result was made from."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from ane_lsp.cli.check import Outcome, collect, finish, settings_problems
from ane_lsp.cli.errors import CLEAN, UsageError
from ane_lsp.cli.options import open_projects, project_arguments
from ane_lsp.cli.progress import Bar
from ane_lsp.cli.runner import Tracked, analyse_tracked
from ane_lsp.workspace.project import Projects
from ane_lsp.workspace.settings import CONFIG_NAMES

INTERVAL = 0.5  # seconds between two looks


class Watch:
    """The files of a command line with their newest results."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self._arguments = project_arguments(args)
        self._projects: Projects | None = None
        self._configuration: dict[str, object] = {}
        self._known: dict[Path, Tracked] = {}

    def look(self) -> tuple[Projects, Outcome] | None:
        """What is found now; None where nothing has changed since the last look. Raises UsageError as ``check`` does."""
        projects, first = self._projects, self._projects is None
        if projects is None or self._settings_changed(projects):
            projects = self._projects = open_projects(self._arguments)
            self._known = {}
            first = True
        files, missing = collect(self._args, projects)
        seen: dict[str, object] = {}
        stale = [path for path in files if path not in self._known or not self._known[path][1].unchanged(seen)]
        gone = self._known.keys() - set(files)
        if not stale and not gone and not first:
            return None
        for path in gone:
            del self._known[path]
        bar = Bar(wanted=not self._args.no_progress)
        results = analyse_tracked(stale, projects, self._arguments, self._args.jobs, not self._args.no_cache, bar)
        bar.clear()
        self._known.update(zip(stale, results))
        self._configuration = _stamps(files, projects)
        outcome = Outcome(files, [self._known[path][0] for path in files], missing=missing)
        outcome.problems += settings_problems(projects)
        return projects, outcome

    def _settings_changed(self, projects: Projects) -> bool:
        return _stamps(list(self._known), projects) != self._configuration


def _stamps(files: list[Path], projects: Projects) -> dict[str, object]:
    """The settings files that could hold for `files`, with size and time."""
    folders = {parent for path in files for parent in path.parents}
    stamps: dict[str, object] = {}
    for folder in folders:
        for name in CONFIG_NAMES:
            try:
                status = (folder / name).stat()
            except OSError:
                continue
            stamps[str(folder / name)] = (status.st_mtime_ns, status.st_size)
    return stamps


def run(args: argparse.Namespace, again: Callable[[], bool] = lambda: True) -> int:
    """Check and report until interrupted, or until `again` says no. The exit code is that of the last report."""
    if "-" in args.paths:
        raise UsageError("--watch looks at files; - (stdin) is none")
    code = CLEAN
    watch = Watch(args)
    try:
        while True:
            found = watch.look()
            if found is not None:
                if sys.stdout.isatty():
                    sys.stdout.write("\033[2J\033[H")
                code = finish(args, *found)
                print(f"watching {len(found[1].files)} files; Ctrl-C ends", file=sys.stderr)
                sys.stdout.flush()
            if not again():
                return code
            time.sleep(INTERVAL)
    except KeyboardInterrupt:
        return code
