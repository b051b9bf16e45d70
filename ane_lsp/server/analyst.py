"""What the worker process does with a question: find the settings that hold for a file, analyse, keep the plain data."""

from __future__ import annotations

import gc
import logging
import os
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from ane_lsp._memory import collect_if_grown, give_back, keep_for_good
from ane_lsp.analysis import AnalysisError, FileAnalysis, analyze
from ane_lsp.checks.finding import Finding, TextEdit
from ane_lsp.fixes import fix_text, propose
from ane_lsp.fixes.edits import edits_between
from ane_lsp.fixes.gate import verified
from ane_lsp.fixes.refactorings import offers, refactor
from ane_lsp.fixes.tree import Refused
from ane_lsp.graph import Span
from ane_lsp.graph.records import dataclass
from ane_lsp.server import predictions
from ane_lsp.server.following import Cancelled, Following, Lost, world
from ane_lsp.server.remembered import Remembered
from ane_lsp.server.results import Completion, Digests, DocumentResult, FixName, Predicted, SettingsProblem, digest
from ane_lsp.syntax import SourceFile
from ane_lsp.workspace import Settings, Workspace
from ane_lsp.workspace.settings import CONFIG_NAMES, find_settings, load_settings
from ane_lsp.workspace.settings import SettingsProblem as FileProblem

WARM_UP = """\
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Linear(8, 8))
    def forward(self, x):
        return self.body(x).softmax(-1)
"""
log = logging.getLogger(__name__)

MAX_WORKSPACES = 8
MAX_KEPT = 8
FEWEST_WORLDS = 2  # interpreted worlds that are kept for edits whatever their size: of the files analysed last
ROOM_FOR_WORLDS = 500_000  # blocks of Python's allocator, about 50 MB, in which more of them may be kept
MAX_LISTED = 20_000
LARGE = 0.5  # seconds of processor time that making a world takes in which garbage is not looked for


class RecordingWorkspace(Workspace):
    """Notes every file that is read, from disk or from an editor: a change of one makes results stale."""

    used: set[str]

    def read(self, path: Path) -> SourceFile:
        source = super().read(path)
        if hasattr(self, "used"):
            self.used.add(str(source.path))
        return source


@dataclass(slots=True)
class Kept:
    """An analysis with its graphs, the text it is of, which fixes passed the gate, and where models would run. size: about how many blocks
    of memory it took."""

    found: FileAnalysis | None
    source: SourceFile
    verdicts: dict[FixName, bool] = field(default_factory=dict)
    plans: predictions.Plans = field(default_factory=dict)
    following: Following | None = None
    size: int = 0
    findings: tuple[Finding, ...] | None = None  # those of the present text, with their fixes; None: those in `found`

    def moved(
        self,
        source: SourceFile,
        settings: Settings,
        workspace: Workspace,
        cancelled: Callable[[], bool],
        ahead: Callable[[DocumentResult], None],
    ) -> DocumentResult | None:
        """The result brought up to date, None where the text has to be analysed anew. Raises Cancelled.

        ahead: hears of its findings and errors, perhaps without fixes, before all else is known.
        """
        if self.following is None:
            return None
        result = self.following.follow(source, settings, workspace, cancelled, ahead)
        if result is None:
            return None
        try:
            found = self.following.sites() if any(map(self.following.edited, result.findings)) else None
        except Lost:
            return None
        if found is not None:
            result.findings = tuple(
                replace(f, fixes=tuple(propose(source, found, f))) if self.following.edited(f) else f
                for f in result.findings
            )
        self.source, self.found, self.plans = source, None, {}
        self.verdicts, self.findings = {}, result.findings
        return result

    def analysis(self) -> FileAnalysis:
        """The analysis with its graphs, at the present places."""
        if self.found is None:
            assert self.following is not None
            try:
                self.found = self.following.found()
            except Lost:  # nothing to say until the next analysis
                self.found = FileAnalysis(str(self.source.path))
            else:
                if self.findings is not None:
                    self.found = replace(self.found, findings=list(self.findings))
        return self.found


def _with_problems(
    result: DocumentResult, workspace: Workspace, settings: Settings, problems: list[FileProblem]
) -> DocumentResult:
    """A result with what is wrong with the settings it was made under."""
    errors = [AnalysisError("config", problem.message, problem.span) for problem in problems if problem.span.file]
    if workspace.problem and settings.python:
        place = settings.origins.get("python")
        if place is not None:
            errors.append(AnalysisError("config", workspace.problem, place))
    known = {(error.message, error.span) for error in result.errors}
    result.errors += tuple(error for error in errors if (error.message, error.span) not in known)
    return result


def _place(span: Span) -> tuple[int, int, int, int]:
    return span.line, span.col, span.end_line, span.end_col


class Analyst:
    """Answers the server's questions. Not safe for several threads; the worker has one.

    ahead: hears of the findings and errors of a file that is analysed before the rest of the answer is ready, and perhaps of some
    before that (then what it hears is not `diagnosed`).
    """

    def __init__(self) -> None:
        self.ahead: Callable[[DocumentResult], None] | None = None
        self._folders: list[tuple[Path, dict[str, Any]]] = []
        self._options: dict[str, Any] = {}
        self._overlays: dict[str, str] = {}
        self._workspaces: dict[tuple[Any, ...], RecordingWorkspace] = {}
        self._nearest: dict[Path, Path | None] = {}
        self._loaded: dict[Path, tuple[Settings, list[FileProblem]]] = {}
        self._depends: dict[str, set[str]] = {}
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._grown = False  # a large world was made since garbage was looked for
        self._frozen = False
        self._remembered = Remembered()

    def warm(self) -> None:
        """Load what the first analysis needs, by analysing a model of one line that is on no disk."""
        path = Path(os.path.abspath(os.sep)) / "ane-lsp-warm-up.py"
        workspace = Workspace(path.parent, overlays={path: WARM_UP})
        analyze(path, workspace, Settings())

    # -- what is told ------------------------------------------------------------------------------------------------

    def configure(self, folders: list[tuple[str, dict[str, Any]]], options: dict[str, Any]) -> None:
        """Workspace folders, innermost first when a file lies in several."""
        self._folders = sorted(((Path(path), given) for path, given in folders), key=lambda item: -len(item[0].parts))
        self._options = options
        self._forget_settings()
        for given in (options, *(given for _, given in self._folders)):
            for problem in Settings().merge(given)[1]:
                log.warning("editor settings: %s", problem.message)

    def overlay(self, path: str, text: str | None) -> None:
        if text is None:
            self._overlays.pop(path, None)
            self._kept.pop(path, None)
        else:
            self._overlays[path] = text
        for workspace in self._workspaces.values():
            if text is None:
                workspace.close_overlay(Path(path))
            else:
                workspace.set_overlay(Path(path), text)

    def touched(self, paths: list[str]) -> None:
        """Sources are compared with the disk on each read; only settings need forgetting."""
        if any(Path(path).name in CONFIG_NAMES for path in paths):
            self._forget_settings()

    def _forget_settings(self) -> None:
        self._nearest.clear()
        self._loaded.clear()

    # -- what is asked -----------------------------------------------------------------------------------------------

    def ask(self, what: str, args: tuple[Any, ...], cancelled: Callable[[], bool]) -> Any:
        if what == "analyze":
            return self.analyze(args[0], cancelled)
        if what == "settings":
            return self.settings_problems(args[0], args[1])
        if what == "files":
            return list(self.files(Path(args[0]), cancelled))
        if what == "words":
            return words()
        if what == "notes":
            return self.notes(args[0], Span(*args[1]), cancelled)
        if what == "placements":
            return self.placements(args[0], cancelled)
        if what == "report":
            return self.report(args[0], args[1], cancelled)
        if what == "page":
            return rule_page(args[0])
        if what == "holds":
            return self.fixes_hold(args[0], args[1], cancelled)
        if what == "offers":
            return self.offers(args[0], args[1], args[2])
        if what == "refactor":
            return self.refactor(args[0], args[1], args[2], args[3], cancelled)
        if what == "settings-file":
            settings, _ = self.settings(Path(args[0]))
            return str(settings.file) if settings.file else None, str(self.root(Path(args[0])))
        if what == "fix-all":
            return self.fix_all(args[0], args[1], cancelled)
        raise ValueError(f"unknown question {what!r}")

    def analyze(self, path: str, cancelled: Callable[[], bool]) -> DocumentResult:
        """The result for one file, with the problems of the settings it was made under."""
        started = time.perf_counter()
        settings, problems = self.settings(Path(path))
        workspace = self.workspace(Path(path), settings)
        workspace.used = self._depends.setdefault(path, set())
        kept = self._kept.get(path)

        def tell(result: DocumentResult) -> None:
            if self.ahead is not None and not cancelled():
                self.ahead(_with_problems(result, workspace, settings, problems))

        try:
            moved = (
                kept.moved(workspace.read(Path(path)), settings, workspace, cancelled, tell)
                if kept is not None
                else None
            )
        except Cancelled:
            return DocumentResult(path)
        except Exception:  # a fault of ours: an analysis from scratch does not depend on what is kept
            if os.environ.get("ANE_LSP_DEBUG"):
                raise
            log.exception("bringing the result of %s up to date", path)
            moved = None
        if moved is not None:
            self._kept.move_to_end(path)
            result = moved
            result.seconds = time.perf_counter() - started
        else:
            if self._frozen:
                gc.unfreeze()  # what the last analysis left may go
            self._frozen, busy = False, time.process_time()
            shown = path in self._overlays and self.ahead is not None
            known = self._remembered.find(path, settings, workspace, self._overlays) if shown and kept is None else None
            if known is not None:  # the analysis has the last word
                tell(replace(known, diagnosed=False))
            bare = shown and kept is None and known is None  # nothing is shown that would vanish

            def tell_some(found: FileAnalysis) -> None:
                tell(DocumentResult(path, tuple(found.findings), tuple(found.errors), diagnosed=False))

            with workspace.track() as disk:
                if kept is not None and kept.following is not None and kept.following.standing:
                    kept.following.drop()
                    gc.collect()  # a world is full of circles, and would lie beside the next
                keep, size = path in self._overlays, sys.getallocatedblocks()
                found = analyze(Path(path), workspace, settings, cancelled, keep, tell_some if bare else None)
            if shown and not cancelled():  # before fixes are proposed: the command keeps its findings without
                diagnosed = DocumentResult(path, tuple(found.findings), tuple(found.errors), tuple(found.models))
                if diagnosed.parsed:  # else what is shown stays
                    tell(diagnosed)
                self._remembered.keep(found, settings, workspace, disk, workspace.used, self._overlays)
            self._grown |= time.process_time() - busy > LARGE
            source = workspace.read(Path(path))
            found.findings = [replace(f, fixes=(*f.fixes, *propose(source, found, f))) for f in found.findings]
            digests: Digests = {}
            result = digest(path, found, time.perf_counter() - started, digests)
            seen = world(path, settings, workspace, disk, workspace.used)
            following = None if cancelled() else Following(found, result, source, seen, digests)
            self._keep(path, Kept(found, source, following=following, size=sys.getallocatedblocks() - size))
            result = replace(result)
        result = _with_problems(result, workspace, settings, problems)
        result.depends = frozenset(workspace.used - {path})
        result.inlay_hints = settings.inlay_hints
        result.targets = tuple(settings.targets)
        return result

    def _keep(self, path: str, kept: Kept) -> None:
        """Analyses of files an editor shows, for questions about a single call or fix."""
        self._kept.pop(path, None)
        if path in self._overlays:
            self._kept[path] = kept
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
            room = ROOM_FOR_WORLDS
            for number, (following, size) in enumerate(reversed(self._worlds())):
                room -= size
                if number >= FEWEST_WORLDS and room < 0:
                    following.drop()

    def _worlds(self) -> list[tuple[Following, int]]:
        """Those that hold a world, with its size; of the file analysed last at the end."""
        kept = self._kept.values()
        return [(one.following, one.size) for one in kept if one.following and one.following.standing]

    def idle(self) -> None:
        """What may be done before the next edit."""
        self._remembered.flush()
        for path, kept in self._kept.items():
            if kept.following is not None:
                try:
                    kept.following.settle()
                except Exception:
                    log.exception("getting ready for an edit of %s", path)
                    kept.following.drop()
        if self._grown and self._worlds():
            keep_for_good()
            self._grown, self._frozen = False, True
        else:
            collect_if_grown(0.25)

    def rest(self) -> None:
        """What an edit would wait for, done when none has come for a while."""
        collect_if_grown(0.01)
        give_back()

    # -- fixes -------------------------------------------------------------------------------------------------------

    def _again(self, path: Path, cancelled: Callable[[], bool]) -> Callable[[str], FileAnalysis]:
        """Analyses `path` as if it held a given text."""
        settings, _ = self.settings(path)
        workspace = self.workspace(path, settings)

        def run(text: str) -> FileAnalysis:
            with workspace.overlaid(path, text):
                return analyze(path, workspace, settings, cancelled)

        return run

    def fixes_hold(self, path: str, asked: list[FixName], cancelled: Callable[[], bool]) -> list[bool]:
        """For each fix, by code, place and title: whether the edited text, analysed again, is better and else the same.

        False also for fixes of a text that is no longer the present one.
        """
        kept = self._present(path)
        if kept is None:
            return [False] * len(asked)
        run = self._again(Path(path), cancelled)
        for code, place, title in asked:
            if (code, place, title) in kept.verdicts:
                continue
            chosen = next(
                (
                    (finding, fix)
                    for finding in kept.analysis().findings
                    if finding.code == code and _place(finding.span) == place
                    for fix in finding.fixes
                    if fix.title == title
                ),
                None,
            )
            verdict = chosen is not None and verified(kept.source, kept.analysis(), *chosen, run)
            if cancelled():
                break
            kept.verdicts[code, place, title] = verdict
        return [kept.verdicts.get(name, False) for name in asked]

    def fix_all(self, path: str, code: str | None, cancelled: Callable[[], bool]) -> list[TextEdit] | None:
        """The edits that apply every safe fix of the present text, or those of one rule, to the end."""
        settings, _ = self.settings(Path(path))
        source = self.workspace(Path(path), settings).read(Path(path))
        run, kept = self._again(Path(path), cancelled), self._present(path)

        def analysed(text: str) -> FileAnalysis:
            return kept.analysis() if kept is not None and text == kept.source.text else run(text)

        fixed = fix_text(source, analysed, wanted=lambda finding: code in (None, finding.code), cancelled=cancelled)
        return edits_between(source.text, fixed.text, str(source.path))

    def _present(self, path: str) -> Kept | None:
        """The analysis of a file, where it is of the text that the editor shows."""
        kept = self._kept.get(path)
        text = self._overlays.get(path, "").removeprefix("\ufeff")
        return kept if kept is not None and kept.source.text == text else None

    def offers(self, path: str, line: int, col: int) -> list[tuple[str, str]]:
        """Name and title of every refactoring that may be asked for at a place."""
        kept = self._present(path)
        return [] if kept is None else [(o.name, o.title) for o in offers(kept.source, kept.analysis(), line, col)]

    def refactor(
        self, path: str, name: str, line: int, col: int, cancelled: Callable[[], bool]
    ) -> tuple[list[TextEdit], str]:
        """The edits of a refactoring and what they do; no edits, and the reason, where it is refused."""
        kept = self._present(path)
        if kept is None:
            return [], "the text has changed"
        try:
            fix, text = refactor(kept.source, kept.analysis(), name, self._again(Path(path), cancelled), line, col)
        except Refused as reason:
            return [], str(reason)
        return edits_between(kept.source.text, text, str(kept.source.path)), fix.title

    def settings(self, path: Path) -> tuple[Settings, list[FileProblem]]:
        """Settings that hold for `path`: its nearest settings file, the editor's on top."""
        folder = path.parent
        if folder not in self._nearest:
            self._nearest[folder] = find_settings(folder)
        file = self._nearest[folder]
        problems: list[FileProblem] = []
        if file is None:
            base = Settings()
        else:
            if file not in self._loaded:
                self._loaded[file] = load_settings(file)
            base, problems = self._loaded[file]
        given = next((given for root, given in self._folders if _inside(path, root)), None)
        merged, editor_problems = base.merge(self._options if given is None else given)
        if merged.root is None:
            merged = replace(merged, root=self.root(path))
        return merged, [*problems, *editor_problems]

    def root(self, path: Path) -> Path:
        """The workspace folder of `path`, else the folder of its settings file or its own."""
        for root, _ in self._folders:
            if _inside(path, root):
                return root
        file = self._nearest.get(path.parent)
        return file.parent if file else path.parent

    def workspace(self, path: Path, settings: Settings) -> RecordingWorkspace:
        """The import world of `path`; kept, because it caches what it has read."""
        root = self.root(path)
        base = settings.root or root
        search = tuple(Path(os.path.normpath(base / entry)) for entry in settings.search_paths)
        key = (root, search, settings.python, base)
        if key not in self._workspaces:
            if len(self._workspaces) >= MAX_WORKSPACES:
                del self._workspaces[next(iter(self._workspaces))]
            python = settings.python
            if python and os.sep in python and settings.file is not None:
                python = str(base / os.path.expanduser(python))
            overlays = {Path(name): text for name, text in self._overlays.items()}
            self._workspaces[key] = RecordingWorkspace(root, search, python, overlays)
        return self._workspaces[key]

    def settings_problems(self, path: str, text: str) -> list[SettingsProblem]:
        """What is wrong with a settings file as the editor shows it."""
        _, problems = load_settings(Path(path), text)
        return [SettingsProblem(problem.span, problem.message) for problem in problems]

    def files(self, root: Path, cancelled: Callable[[], bool]) -> Iterator[str]:
        """Python files under `root` that mention torch, by the folder's settings; the rest has nothing to say."""
        from ane_lsp.workspace.discover import discover

        settings, _ = self.settings(root / "any.py")
        for path in islice(discover(root, settings.include, settings.exclude, settings.root), MAX_LISTED):
            if cancelled():
                return
            if _mentions_torch(path):
                yield str(path)

    def notes(self, path: str, span: Span, cancelled: Callable[[], bool]) -> list[str]:
        """What is known, on the selected targets, about the ops that the call at `span` becomes, and where they would run."""
        from ane_lsp.server import notes

        kept = self._kept.get(path)
        if kept is None:
            return []
        settings, _ = self.settings(Path(path))
        plans = predictions.plan(kept.analysis(), settings, kept.plans, cancelled)
        return [*notes.about(kept.analysis(), span, settings), *predictions.about(plans, span)]

    def placements(self, path: str, cancelled: Callable[[], bool]) -> list[Predicted]:
        """Where the models of a file that an editor shows would run."""
        kept = self._kept.get(path)
        if kept is None:
            return []
        settings, _ = self.settings(Path(path))
        return predictions.lines(predictions.plan(kept.analysis(), settings, kept.plans, cancelled), path)

    def report(self, path: str, verified: list[tuple[str, str]], cancelled: Callable[[], bool]) -> str | None:
        """The HTML page about a file that an editor shows."""
        kept = self._kept.get(path)
        if kept is None:
            return None
        settings, _ = self.settings(Path(path))
        plans = predictions.plan(kept.analysis(), settings, kept.plans, cancelled)
        workspace = self.workspace(Path(path), settings)
        return predictions.report(path, kept.analysis(), kept.source, workspace, plans, verified)


def _inside(path: Path, root: Path) -> bool:
    return path.parts[: len(root.parts)] == root.parts


def _mentions_torch(path: Path) -> bool:
    try:
        if path.stat().st_size > 10_000_000:
            return False
        return b"torch" in path.read_bytes()
    except OSError:
        return False


def words() -> Completion:
    """What can be completed."""
    from ane_lsp.knowledge import rules, targets
    from ane_lsp.workspace.schema import OPTIONS

    devices: dict[str, str] = {"all": "every chip with a Neural Engine"}
    for target in targets.chips():
        devices[target.chip] = f"chip, {target.cores} cores, since {target.first_os}" if target.first_os else "chip"
        for device in target.devices:
            devices.setdefault(device, target.chip)
    keys = {option.key: {"doc": option.doc, "schema": dict(option.schema), "example": option.example}
            for option in OPTIONS}  # fmt: skip
    return Completion(keys, tuple(devices.items()), tuple((code, rules.rule_name(code)) for code in rules.codes()))


def rule_page(code: str) -> str | None:
    """A rule's page as Markdown, None for an unknown code."""
    from ane_lsp.knowledge import rules

    try:
        page = rules.page(code)
    except (KeyError, ValueError):
        return None
    parts = [f"# {page.rule.code} `{page.rule.name}`", page.rule.summary]
    parts += [f"## {title}\n\n{text}" for title, text in page.sections.items()]
    if page.rule.evidence:
        parts.append("## Evidence")
        for item in page.rule.evidence:
            seen = item.evidence
            where = ", ".join(part for part in (seen.chip, seen.os, seen.date) if part)
            parts.append(f"- {seen.claim} ({item.basis}{'; ' + where if where else ''}; {seen.source})")
    return "\n\n".join(parts) + "\n"
