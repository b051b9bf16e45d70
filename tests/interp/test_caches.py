"""Functions of libraries under ``functools.lru_cache``: what is run again, and what a result says besides its value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ane_lsp.interp import run
from ane_lsp.workspace import Workspace

LIBRARY = """\
import torch
from functools import cache, lru_cache

ran = []
factor = [2]

@lru_cache(maxsize=8)
def doubled(n, *, by=0):
    ran.append(n)
    return n * factor[0] + by

@cache
def listed(n):
    ran.append(n)
    return [n]

@cache
def steps(n):
    ran.append(n)
    return 0 if n == 0 else steps(n - 1) + 1

@cache
def captured(name):
    return torch.compiler.is_exporting()

def fresh():
    ran.clear()
    return ran
"""


def values(folder: Path, *lines: str) -> tuple[dict[str, Any], run.Run]:
    """The names of a script of these lines that imports ``lib``."""
    (folder / "lib.py").write_text(LIBRARY)
    script = folder / "script.py"
    script.write_text("\n".join(("import lib", "import torch", *lines)) + "\n")
    done = run.run_script(Workspace(folder), script)
    assert (done.errors, done.internal) == ([], {})
    return done.interp.modules["script"].namespace, done


def test_a_result_kept_in_one_of_several_branches_is_no_choice(tmp_path: Path) -> None:
    found, _ = values(
        tmp_path, "import random", "b = lib.doubled(3) if random.random() > 0.5 else 0", "a = lib.doubled(3)"
    )
    assert found["a"] == 6


def test_plain_results_of_plain_arguments_are_kept(tmp_path: Path) -> None:
    found, _ = values(
        tmp_path,
        "a = lib.doubled(3), lib.doubled(3), lib.doubled(3, by=1), lib.doubled(3, by=1), lib.doubled(True)",
        "ran = list(lib.ran)",
    )
    assert found["a"] == (6, 6, 7, 7, 2)
    assert found["ran"] == [3, 3, True]


def test_a_cleared_cache_runs_again(tmp_path: Path) -> None:
    found, _ = values(
        tmp_path,
        "a = lib.doubled(3)",
        "lib.factor[0] = 5",
        "b = lib.doubled(3)",
        "lib.doubled.cache_clear()",
        "c = lib.doubled(3)",
    )
    assert (found["a"], found["b"], found["c"]) == (6, 6, 15)


def test_a_recursion_runs_each_step_once(tmp_path: Path) -> None:
    found, _ = values(tmp_path, "a = lib.steps(4), lib.steps(5)", "ran = list(lib.ran)")
    assert (found["a"], found["ran"]) == ((4, 5), [4, 3, 2, 1, 0, 5])


def test_what_can_be_changed_is_made_anew(tmp_path: Path) -> None:
    """Python would give the same list; who changes it here changes none that a copy of a module holds."""
    found, _ = values(tmp_path, "a = lib.listed(1)", "b = lib.listed(1)", "ran = list(lib.ran)")
    assert (found["a"], found["b"], found["ran"]) == ([1], [1], [1, 1])


def test_a_branch_that_is_undone_takes_its_results_with_it(tmp_path: Path) -> None:
    found, _ = values(
        tmp_path,
        "x = torch.rand(1)",
        "if x.item() > 0.5:",
        "    lib.factor[0] = 5",
        "    a = lib.doubled(3)",
        "else:",
        "    a = lib.doubled(3)",
        "b = lib.doubled(4)",
    )
    assert sorted(found["a"].options) == [6, 15]
    assert not isinstance(found["b"], int)  # the factor is one of two


def test_who_asks_whether_it_is_captured_asks_again(tmp_path: Path) -> None:
    _, done = values(
        tmp_path,
        "class Net(torch.nn.Module):",
        "    def forward(self, x):",
        "        return x if lib.captured('a') else x + 1",
        "Net()(torch.zeros(1))",
        "Net()(torch.zeros(1))",
    )
    assert [graph.asks_capture for graph in done.graphs] == [True, True]


def test_the_users_own_functions_run_again(tmp_path: Path) -> None:
    """An edit of theirs has to find every entry that depends on them."""
    found, done = values(
        tmp_path, "from functools import cache", "@cache", "def mine(n):", "    return n", "a = mine(1), mine(1)"
    )
    assert found["a"] == (1, 1)
    assert found["mine"].fast is None
    assert {getattr(node, "name", "") for node in done.interp.ran.functions} == {"mine"}
