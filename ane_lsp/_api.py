"""The Python API: analyse a file, a text or a class, and get plain objects.

Every function takes settings as keyword arguments, named as in the settings file with ``_`` for ``-``: ``targets``,
``minimum_deployment_target``, ``select``, ``min_confidence``, ... Settings files are read as on the command line.
Nothing of the analysed code is imported or run.
"""

from __future__ import annotations

import inspect
import linecache
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ane_lsp._cells import Cells
from ane_lsp.analysis import FileAnalysis
from ane_lsp.analysis import analyze as _analyze
from ane_lsp.syntax.inputs import parse_inputs
from ane_lsp.workspace.project import Projects
from ane_lsp.workspace.workspace import absolute

if TYPE_CHECKING:
    from ane_lsp.placement import Placement


def analyze(subject: str | Path | type, **settings: Any) -> FileAnalysis:
    """Analyse a path, or a class as :func:`analyze_class` does.

    Raises ValueError for unknown settings or wrong values, OSError for a file that cannot be read.
    """
    if isinstance(subject, type):
        return analyze_class(subject, **settings)
    return analyze_file(subject, **settings)


def analyze_file(path: str | Path, **settings: Any) -> FileAnalysis:
    """Analyse one file. What is wrong with its text comes back in `errors`.

    Raises ValueError for unknown settings or wrong values, OSError for a file that cannot be read.
    """
    file = absolute(Path(path))
    with open(file, "rb"):
        pass
    projects = _projects(settings)
    return _analyze(file, projects.workspace(file), projects.settings(file))


def analyze_source(text: str, filename: str | Path = "model.py", **settings: Any) -> FileAnalysis:
    """Analyse a text as if it stood in `filename`, whose folder decides settings and imports.

    Raises ValueError for unknown settings or wrong values.
    """
    file = absolute(Path(filename))
    projects = _projects(settings)
    workspace = projects.workspace(file)
    workspace.set_overlay(file, text)
    return _analyze(file, workspace, projects.settings(file))


def analyze_class(
    cls: type, inputs: str | Sequence[str] = (), call: str | None = None, **settings: Any
) -> FileAnalysis:
    """Analyse one top-level class by reading the source it was defined in. In a notebook that is every cell run so far, and
    places name the cell: ``In[3]:12``.

    inputs: the shapes it is called with, as in ``# ane: input(...)``: ``"1x3x224x224, 1x16:i64"``.
    call: how it is built where its defaults do not do: ``"Net(width=32)"``.
    The result holds that model's summary and graph, and the findings of its file. Raises ValueError where the class has
    no source or is nested, for inputs that cannot be read, and for wrong settings.
    """
    if "." in cls.__qualname__:
        raise ValueError(f"{cls.__qualname__} is nested in a function or class; move it to the top level of its file")
    listed = (inputs,) if isinstance(inputs, str) else tuple(inputs)
    parse_inputs(",".join(listed))
    path, text, cells = _source(cls)
    entry = {"call": call or cls.__name__, "inputs": list(listed)}
    projects = _projects({**settings, "entry": [entry]} if listed or call else settings)
    workspace = projects.workspace(path)
    workspace.set_overlay(path, text)
    found = _analyze(path, workspace, projects.settings(path))
    if cells is not None:
        cells.name(found)
    own = [index for index, model in enumerate(found.models) if model.name == cls.__name__]
    return FileAnalysis(
        found.path,
        found.findings,
        [found.graphs[index] for index in own],
        [found.models[index] for index in own],
        found.errors,
    )


def _source(cls: type) -> tuple[Path, str, Cells | None]:
    """Where a class is defined: the file, its text, and, in a notebook, the cells that the text was put together from.
    Raises ValueError where there is no source."""
    main = sys.modules.get("__main__")
    executed = getattr(main, "In", None)
    if cls.__module__ == "__main__" and not hasattr(main, "__file__") and isinstance(executed, list):
        path = absolute(Path("notebook.py"))
        cells = Cells(str(path), [str(cell) for cell in executed])
        return path, cells.text, cells
    try:
        file = inspect.getsourcefile(cls) or inspect.getfile(cls)
    except (TypeError, OSError):
        raise ValueError(f"{cls.__qualname__} has no Python source") from None
    text = "".join(linecache.getlines(file))
    if not text:
        raise ValueError(f"the source of {cls.__qualname__} cannot be read from {file}")
    return absolute(Path(file) if Path(file).is_file() else Path(f"{cls.__name__}.py")), text, None


def render(found: FileAnalysis, format: str = "text", color: bool = False) -> str:
    """The result as ``ane-lsp check --format`` prints it. Raises KeyError for an unknown format."""
    from ane_lsp.report import formats
    from ane_lsp.report.model import Report
    from ane_lsp.syntax.source import read_source

    def lines(file: str) -> Any:
        source = read_source(Path(file))
        return None if source.unreadable is not None else source.lines

    report = Report(
        found.findings, found.models, found.errors, 1, base=absolute(Path()), lines=lines, checked=[found.path]
    )
    return formats.render(report, format, color)


def placements(found: FileAnalysis, target: str | Sequence[str] = ()) -> list[Placement]:
    """Where each model's operations are predicted to run: one placement for each model and chip, in that order.

    target: a chip, device, generation or ``all``, or several; the default target (M4) without it. Times are in ms.
    Raises ValueError where nothing is called that.
    """
    from ane_lsp.knowledge import targets
    from ane_lsp.placement import place

    chips = targets.resolve_all((target,) if isinstance(target, str) else tuple(target))
    return [place(graph, chip) for graph in found.graphs for chip in chips]


def _projects(settings: dict[str, Any]) -> Projects:
    return Projects({key.replace("_", "-"): _plain(value) for key, value in settings.items()})


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value
