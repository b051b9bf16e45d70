"""What looks like something a call left behind and is none: such calls are kept."""

from pathlib import Path

import pytest
from test_cutoff import check, check_alone
from test_following import analysed, answered

from ane_lsp.interp.repeats import Repeats

pytestmark = pytest.mark.usefixtures("small_pieces")

MODEL = """\
import torch
from torch import nn

STATE = {"on": None, "seen": []}


def chosen(x, options):
    table = options
    if x.sum() > 0:
        y = x * 2
        table = dict(table, full=y)
    else:
        y = x
    return y


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 8)

    def forward(self, x, options):
        pass
        return self.fc(x)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([Layer() for _ in range(3)])

    def forward(self, x):
        options = {"full": None}
        options["sliding"] = 1
        for layer in self.layers:
            x = layer(x, options)
        return x


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = Model()

    def forward(self, x):  # ane: input(2x8)
        return self.model(x)
"""
NO_TRACES = {
    "names that a function chose in a branch": "x = chosen(x, options)",
    "a state that is put back": "before = STATE['on']; STATE['on'] = x; x = x * 2; STATE['on'] = before",
    "a call that nobody can follow": "torch.ops.other.reported(x)",
}
TRACES = {
    "a state that is not put back": "STATE['on'] = x.shape",
    "one that is put back with others in it": "STATE['seen'].append(1); STATE['seen'] = STATE['seen']",
    "a table that is kept": "STATE['on'] = options",
}


def kept(path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> tuple[object, list[tuple[str, bool]]]:
    """An analyst, and which calls were kept in its first analysis."""
    found: list[tuple[str, bool]] = []
    first = Repeats.followed

    def followed(*given: object) -> object:
        done = first(*given)  # type: ignore[arg-type]
        found.append((given[2].cls.name, done[2] is not None))  # type: ignore[attr-defined]
        return done

    with monkeypatch.context() as patched:
        patched.setattr(Repeats, "followed", followed)
        return analysed(path, text), found


@pytest.mark.parametrize("name", NO_TRACES)
def test_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    path = tmp_path / "net.py"
    text = MODEL.replace("        pass\n", f"        {NO_TRACES[name]}\n")
    analyst, calls = kept(path, monkeypatch, text)
    assert all(whether for _, whether in calls)
    assert {"Layer", "Model"} <= {called for called, _ in calls}
    analyst.idle()  # type: ignore[attr-defined]
    edited = text.replace("        return self.fc(x)", "        typed = 1\n        return self.fc(x)")
    check_alone(path, analyst, monkeypatch, text, edited, "moved")


@pytest.mark.parametrize("name", TRACES)
def test_a_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    path = tmp_path / "net.py"
    text = MODEL.replace("        pass\n", f"        {TRACES[name]}\n")
    analyst, calls = kept(path, monkeypatch, text)
    assert ("Layer", False) in calls
    for now in (text.replace("self.fc(x)", "self.fc(x).relu()"), text):
        check(path, analyst, now)  # type: ignore[arg-type]
        analyst.idle()  # type: ignore[attr-defined]


BOUND = """\
import torch
from torch import nn
import lib

with lib.quiet():
    QUIET = lib.is_quiet()


class Net(nn.Module):
    def __init__(self, dim):
        super().__init__()
        with lib.quiet():
            self.fc = nn.Linear(dim, 8 if lib.is_quiet() else 4)

    def forward(self, x):
        return self.fc(x)


def first():
    return Net(8)


def second():
    return Net(16)
"""


@pytest.mark.parametrize(("restored", "how"), [("self.before", "again"), ("(self.before or 0) + 1", "anew")])
def test_a_name_of_a_library_that_is_bound_for_a_while_is_as_it_was(tmp_path: Path, restored: str, how: str) -> None:
    """Names of other modules cannot be given back, as some are made only once they are asked for."""
    (tmp_path / "lib.py").write_text(
        "QUIET = False\n\n\ndef is_quiet():\n    return QUIET\n\n\nclass quiet:\n    def __enter__(self):\n        global QUIET\n"
        f"        self.before, QUIET = QUIET, True\n\n    def __exit__(self, *error):\n        global QUIET\n        QUIET = {restored}\n"
    )
    path = tmp_path / "net.py"
    analyst = analysed(path, BOUND)
    analyst.idle()
    for text in (BOUND.replace("self.fc(x)", "self.fc(x).relu()"), BOUND, BOUND.replace("(dim, 8", "(dim, 9")):
        assert answered(analyst, path, text) == how
        analyst.idle()
        if how == "again":
            check(path, analyst, text)  # type: ignore[arg-type]
