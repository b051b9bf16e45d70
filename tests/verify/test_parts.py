"""Parts of a verify run that need neither torch nor a process."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from ane_lsp.checks.finding import Finding
from ane_lsp.graph import Span
from ane_lsp.graph.types import TORCH_DTYPE
from ane_lsp.knowledge.evidence import Severity
from ane_lsp.verify import run, worker_base, worker_run
from ane_lsp.verify.compare import Failure, compare, counts
from ane_lsp.verify.job import Input, Job, Limits, from_json
from ane_lsp.verify.program import NOWHERE, Places, to_graph
from ane_lsp.verify.worker_base import Failed
from ane_lsp.verify.worker_frames import innermost, is_user, parse_python, parse_script
from ane_lsp.workspace import Settings


def test_known_bad_pairs_are_said() -> None:
    (note,) = worker_run.known_bad({"coremltools": "9.0", "numpy": "2.4.1", "torch": "2.13.0+cpu"})
    assert "numpy<2.4" in note
    assert not worker_run.known_bad({"coremltools": "9.0", "numpy": "2.3.5", "torch": "2.13.0"})
    assert not worker_run.known_bad({"coremltools": "9.1.dev1", "numpy": "2.4.6", "torch": "2.13.0"})
    assert not worker_run.known_bad({"coremltools": None, "numpy": None, "torch": None})


def test_a_missing_package_names_its_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for module, extra in (("coremltools", "ane-lsp[verify]"), ("coreai_torch", "ane-lsp[coreai]")):
        with pytest.raises(Failed, match=f'-m pip install "{extra[:7]}') as caught:
            worker_base.need(module)
        assert extra in str(caught.value)
        assert caught.value.reason == "missing"
    with pytest.raises(Failed, match="coremltools and torch are not installed") as caught:
        worker_base.need("coremltools", "torch")
    assert str(caught.value).endswith('-m pip install "ane-lsp[verify]" torch')


def test_a_job_survives_the_border() -> None:
    job = Job(
        "/m/net.py", "Net", None, (Input((1, 3), "i64", "ids"),), "the settings", (Input((2,)),), limits=Limits(3.5)
    )
    assert from_json(job.to_json()) == job
    assert all(str(Input((1,), name)) for name in TORCH_DTYPE)


def test_frames_of_both_kinds() -> None:
    python = 'File "/m/net.py", line 7, in forward\n    x = f(x)\nFile "/m/ops.py", line 3, in f\n    return x'
    assert parse_python(python) == [("/m/net.py", 7, "forward"), ("/m/ops.py", 3, "f")]
    script = "/v/site-packages/torch/nn/modules/conv.py(5): forward\n/m/net.py(7): forward\n/m/run.py(1): <module>"
    assert innermost(parse_script(script)) == ("/m/net.py", 7, "forward")
    assert is_user("/v/site-packages/timm/models/resnet.py")
    assert not is_user("/v/site-packages/torch/functional.py")
    assert not is_user(str(Path(worker_run.__file__)))
    assert not is_user("<string>")


DATA = {
    "ops": [
        {"kind": "conv", "name": "c", "inputs": {"x": "x", "weight": "w"}, "attrs": {"strides": [1, 1]}, "outputs": ["c"],
         "file": "/m/net.py", "line": 2, "fn": "forward", "torch": "aten.conv2d.default", "module": "stem", "stack": []},
        {"kind": "cast", "name": "o", "inputs": {"x": "c"}, "attrs": {"dtype": "fp32"}, "outputs": ["o"]},
    ],
    "values": {
        "x": {"shape": [1, "is0", 4, 4], "dtype": "f16", "origin": "input"},
        "w": {"shape": [3, 3, 1, 1], "dtype": "f16", "origin": "constant"},
        "c": {"shape": [1, 3, 4, 4], "dtype": "f16", "origin": "op"},
        "o": {"shape": None, "dtype": None, "origin": "op"},
    },
    "inputs": ["x"], "outputs": ["o"],
}  # fmt: skip


def test_a_program_becomes_a_graph() -> None:
    graph = to_graph(DATA, "Net", Places((), lambda file, line: "    y = self.stem(é)"))
    conv, cast = graph.ops
    assert (graph.source, conv.kind, conv.attrs["strides"]) == ("coreml", "conv", (1, 1))
    assert (conv.span, conv.call.torch) == (Span("/m/net.py", 2, 4, 2, 21), "torch.conv2d")
    assert [v.is_const for v in conv.input_values()] == [False, True]
    assert cast.span == NOWHERE
    assert graph.producer(graph.outputs[0]) is cast
    assert str(graph.inputs[0].type.shape[1]) == "is0"  # type: ignore[index]


def _finding(code: str, line: int) -> Finding:
    severity: Severity = "error" if code.startswith("ANE1") else "warning"
    return Finding(code, "n", "m", Span("/m/net.py", line, 0, line, 9), severity, "measured")


def test_every_status() -> None:
    program = to_graph(DATA, "Net", Places((), lambda file, line: "x"))
    static = [
        _finding("ANE203", 2),
        _finding("ANE407", 2),
        _finding("ANE303", 9),
        _finding("ANE501", 2),
        _finding("ANE101", 4),
    ]
    found = compare(static, [_finding("ANE203", 2), _finding("ANE304", 3)], program, (), "export")
    assert [c.status for c in found] == ["confirmed", "refuted", "gone", "untestable", "refuted", "new"]
    assert counts(found) == {"confirmed": 1, "refuted": 2, "gone": 1, "untestable": 1, "new": 1}
    # Another code, the same consequence: a slice assignment in the source is a scatter in the program.
    (one,) = compare([_finding("ANE211", 2)], [_finding("ANE210", 2)], program, (), "export")
    assert (one.status, one.finding.code) == ("confirmed", "ANE211")
    error = _finding("ANE905", 4)
    failed = compare(static, [], None, [Failure("export", error, (static[4],)), Failure("trace", error)])
    assert [c.status for c in failed] == ["confirmed"] + ["untestable"] * 4 + ["new"]
    assert (failed[0].finding, failed[-1].finding) == (static[4], error)


def test_what_a_conversion_changes_shows_in_the_numbers() -> None:
    from dataclasses import replace

    from ane_lsp.graph import Graph

    lost = replace(_finding("ANE126", 3), data={"converts": True})
    statuses = [compare([lost], [], Graph("Net"), departs=departs)[0].status for departs in (True, False, None)]
    assert statuses == ["confirmed", "untestable", "untestable"]
    # What a script hands over is converted here in another way than by the script.
    of_script = replace(_finding("ANE131", 3), data={"of_script": True})
    assert [c.status for c in compare([of_script], [], Graph("Net"))] == ["untestable"]


def test_a_finding_about_the_whole_model_is_the_same_wherever_it_stands() -> None:
    from dataclasses import replace

    from ane_lsp.checks.finding import Related
    from ane_lsp.graph import Graph

    def at(code: str, line: int, *others: int) -> Finding:
        found = _finding(code, line)
        return replace(found, related=tuple(Related(_finding(code, n).span, "too") for n in others))

    program = Graph("Net")
    (whole,) = compare([at("ANE405", 5, 9)], [at("ANE405", 3, 9)], program)
    assert (whole.status, whole.finding.span.line) == ("confirmed", 5)
    statuses = {c.status for c in compare([at("ANE302", 5, 9)], [at("ANE302", 3, 9)], program)}
    assert "confirmed" not in statuses


def test_an_interpreter_named_from_here_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = tmp_path / ".venv" / "bin" / "python"
    binary.parent.mkdir(parents=True)
    binary.touch()
    monkeypatch.chdir(tmp_path)
    workspace = SimpleNamespace(environment=SimpleNamespace(prefix=tmp_path / "gone"))
    for given in (".venv", ".venv/bin/python", str(binary)):
        assert run.interpreter(Settings(), workspace, given) == str(binary)  # type: ignore[arg-type]
    assert run.interpreter(Settings(), workspace, "python3.12") == "python3.12"  # type: ignore[arg-type]


def test_a_model_that_fails_is_told_with_what_it_printed_and_without_a_placement() -> None:
    from ane_lsp.cli.verify import lines
    from ane_lsp.graph import Graph
    from ane_lsp.knowledge import targets
    from ane_lsp.placement import place
    from ane_lsp.report.terminal import Painter
    from ane_lsp.verify.parent import Outcome

    (target,) = targets.resolve_all(("M4",))
    job = Job("/net.py", None, "Net", ())

    def told(reason: str) -> list[str]:
        outcome = Outcome("failed", "it broke", {"failed": {"reason": reason}}, " 10 %\r 20 % x\nhere\n", 1.0)
        found = run.Verification(outcome, job, target, predicted=place(Graph("Net"), target))
        return list(lines(found, Path(), Painter(False)))

    assert told("user") == ["verify failed: it broke", "  |  20 % x", "  | here"]
    assert [line for line in told("missing") if line.startswith(("  |", "placement"))] != []
    assert not any(line.startswith("  |") for line in told("missing"))


def test_the_worker_and_its_parts_import_no_circle() -> None:
    import ast

    folder = Path(run.__file__).parent
    needs: dict[str, set[str]] = {}
    for path in folder.glob("*.py"):
        found = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ImportFrom)]
        names = {n.module.rpartition(".")[2] for n in found if n.module and n.module.startswith("ane_lsp.verify.")}
        names |= {a.name for n in found if n.module == "ane_lsp.verify" for a in n.names}
        needs[path.stem] = names
    while free := [name for name, wanted in needs.items() if not wanted & needs.keys()]:
        for name in free:
            del needs[name]
    assert not needs, f"these import each other: {sorted(needs)}"
