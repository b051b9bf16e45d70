"""From a compute plan to an evidence file, and from that to rows of facts. The plan is an imitation: no Mac takes part."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from ane_lsp.cli.main import main
from ane_lsp.knowledge import observations, tables, targets
from ane_lsp.knowledge.files import KnowledgeError
from ane_lsp.verify.contribute import NothingToContribute, evidence
from ane_lsp.verify.job import Job
from ane_lsp.verify.parent import Outcome
from ane_lsp.verify.program import Places, to_graph
from ane_lsp.verify.run import Verification

_PLACE = {"file": "/home/secret/net.py", "line": 2, "fn": "SecretNet.forward", "torch": "aten.conv2d.default"}


def _conv(number: int) -> dict[str, Any]:
    return {"kind": "conv", "name": f"secret_{number}", "inputs": {"x": "image", "weight": "secret.weight"},
            "attrs": {"strides": [1, 1], "pad_type": "valid"}, "outputs": [f"secret_{number}"], "module": "secret", **_PLACE}  # fmt: skip


PROGRAM = {
    "ops": [
        _conv(0),
        _conv(1),
        {"kind": "concat", "name": "cat", "inputs": {"values": ["secret_0", "secret_1"]}, "attrs": {"axis": 1}, "outputs": ["cat"]},
        {"kind": "reduce_argmax", "name": "best", "inputs": {"x": "cat"}, "attrs": {"axis": 1}, "outputs": ["best"]},
    ],
    "values": {
        "image": {"shape": [1, 3, 8, 8], "dtype": "f16", "origin": "input"},
        "secret.weight": {"shape": [4, 3, 1, 1], "dtype": "f16", "origin": "constant"},
        "secret_0": {"shape": [1, 4, 8, 8], "dtype": "f16", "origin": "op"},
        "secret_1": {"shape": [1, 4, 8, 8], "dtype": "f16", "origin": "op"},
        "cat": {"shape": [1, 8, 8, 8], "dtype": "f16", "origin": "op"},
        "best": {"shape": [1, 8, 8], "dtype": "i32", "origin": "op"},
    },
    "inputs": ["image"], "outputs": ["best"],
}  # fmt: skip
_BOTH, _CPU = ["ANE", "CPU"], ["CPU"]
PLAN = {
    "operations": [
        {"output": "secret_0", "kind": "conv", "preferred": "ANE", "supported": _BOTH, "cost": 0.4},
        {"output": "secret_1", "kind": "conv", "preferred": "ANE", "supported": _BOTH, "cost": 0.4},
        {"output": "cat", "kind": "concat", "preferred": "ANE", "supported": _BOTH, "cost": 0.1},
        {"output": "best", "kind": "reduce_argmax", "preferred": "CPU", "supported": _CPU, "cost": 0.1},
    ],
    "latency_ms": {"ALL": 1.0}, "compute_units": "CPU_AND_NE", "chip": "M4", "os": "macOS 26.1",
}  # fmt: skip


def _run(plan: dict[str, Any] | None = PLAN) -> Verification:
    results: dict[str, Any] = {"versions": {"packages": {"coremltools": "9.0"}}}
    if plan is not None:
        results["plan"] = plan
    found = Verification(Outcome("done", "", results), Job("/home/secret/net.py"), targets.resolve("M4")[0])
    found.program = to_graph(PROGRAM, "SecretNet", Places((), lambda file, line: "secret"))
    return found


def test_the_file_tells_operations_and_nothing_of_the_model() -> None:
    data = evidence(_run())
    text = json.dumps(data)
    assert "secret" not in text.lower()
    assert "/home" not in text
    assert [(row["op"], row["count"], row["preferred"]) for row in data["rows"]] == [
        ("concat", 1, "ANE"), ("conv", 2, "ANE"), ("reduce_argmax", 1, "CPU"),
    ]  # fmt: skip
    assert data["rows"][1]["inputs"] == {"x": "1x3x8x8:f16", "weight": "4x3x1x1:f16 constant"}
    assert (data["chip"], data["os"], data["coremltools"]) == ("M4", "macOS 26.1", "9.0")


def test_it_becomes_rows_of_the_table_that_read_back_the_same() -> None:
    read = observations.read("mine.json", json.dumps(evidence(_run())))
    text = ",".join(observations.COLUMNS) + "\n" + observations.to_csv(read, "contributed: mine.json")
    rows = tables.parse("facts/observations.csv", text, observations.COLUMNS, observations.COLUMNS)
    assert [(row["op"], row["supported"], row["chip"]) for row in rows] == [
        ("concat", "ANE;CPU", "M4"), ("conv", "ANE;CPU", "M4"), ("reduce_argmax", "CPU", "M4"),
    ]  # fmt: skip
    assert json.loads(rows[1]["attrs"]) == {"strides": [1, 1], "pad_type": "valid"}


def test_the_table_that_is_shipped_is_valid_and_agrees_with_the_facts() -> None:
    assert not list(observations.contradictions(observations.table()))


def test_the_table_is_checked_like_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    read = observations.read("mine.json", json.dumps(evidence(_run())))
    text = ",".join(observations.COLUMNS) + "\n" + observations.to_csv(read, "contributed: mine.json")
    monkeypatch.setattr("ane_lsp.knowledge.files.read", lambda name: text)
    assert observations.table() == read
    monkeypatch.setattr("ane_lsp.knowledge.files.read", lambda name: text.replace("1x3x8x8:f16", "1x3x8x8:f17"))
    with pytest.raises(KnowledgeError, match=r"observations\.csv:3:1: .*input 'x'"):
        observations.table()


def test_what_contradicts_the_facts_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = evidence(_run())
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(data))
    assert main(["rules", "--evidence", str(file)]) == 0
    assert capsys.readouterr().out.count("contributed: mine.json") == 3
    other = copy.deepcopy(PLAN)
    other["operations"][3] = {**other["operations"][3], "preferred": "ANE", "supported": _BOTH}  # type: ignore[index]
    file.write_text(json.dumps(evidence(_run(other))))
    assert main(["rules", "--evidence", str(file)]) == 1
    assert "reduce_argmax" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(version=2), '"version": 1'),
        (lambda d: d.update(chip="M99"), "`chip`"),
        (lambda d: d.update(os="Windows 11"), "`os`"),
        (lambda d: d.pop("coremltools"), "`coremltools` is missing"),
        (lambda d: d.update(rows=[]), "`rows` is missing or empty"),
        (lambda d: d["rows"][0].update(path="/home/me"), "row 1: has op"),
        (lambda d: d["rows"][1].update(inputs={"x": "image"}), "row 2: input 'x'"),
        (lambda d: d["rows"][1].update(attrs={"pad_type": "a sentence"}), "row 2: attribute 'pad_type'"),
        (lambda d: d["rows"][2].update(supported=["TPU"]), "row 3: `supported`"),
        (lambda d: d["rows"][2].update(preferred="ANE"), "row 3: `preferred`"),
        (lambda d: d["rows"][2].update(count=0), "row 3: `count`"),
    ],
)
def test_a_wrong_file_is_refused_with_the_reason(change: Any, message: str) -> None:
    data = evidence(_run())
    change(data)
    with pytest.raises(KnowledgeError) as caught:
        observations.read("mine.json", json.dumps(data))
    assert message in str(caught.value)


def test_without_a_mac_there_is_nothing_to_contribute() -> None:
    with pytest.raises(NothingToContribute, match="needs macOS"):
        evidence(_run(None))
