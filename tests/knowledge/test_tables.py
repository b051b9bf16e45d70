"""Fact tables: errors name file, line and column; targets are found by every name people use."""

from __future__ import annotations

from pathlib import Path

import pytest

from ane_lsp.knowledge import conversion, coverage, eligibility, features, rules, tables, targets, tomlpos
from ane_lsp.knowledge.files import KnowledgeError

COLUMNS = ("op", "generations", "value")


@pytest.mark.parametrize(
    ("text", "line", "col", "message"),
    [
        ("op,gen,value\n", 1, 2, "the header must be op,generations,value"),
        ("op,generations,value\nconv,16\n", 2, 2, "2 cells, the header has 3"),
        ("op,generations,value\nconv,16,1\n,16,1\n", 3, 1, "is empty"),
        ('op,generations,value\n"co\nnv",16,1\nx,16,\n', 4, 3, "is empty"),
    ],
)
def test_a_wrong_table_is_pointed_at(text: str, line: int, col: int, message: str) -> None:
    with pytest.raises(KnowledgeError) as caught:
        tables.parse("facts/t.csv", text, COLUMNS, COLUMNS)
    assert (caught.value.line, caught.value.col) == (line, col)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("cell", "expected"), [("all", set()), ("16", {16}), ("13-15", {13, 14, 15}), ("13-14;17", {13, 14, 17})]
)
def test_generations(cell: str, expected: set[int]) -> None:
    (row,) = tables.parse("t", f"op,generations,value\nx,{cell},1\n", COLUMNS)
    assert tables.generations(row, "generations") == expected


@pytest.mark.parametrize("cell", ["", "H16", "16-", "1-2-3", ";"])
def test_wrong_generations(cell: str) -> None:
    (row,) = tables.parse("t", f"op,generations,value\nx,{cell},1\n", COLUMNS)
    with pytest.raises(KnowledgeError, match="generation"):
        tables.generations(row, "generations")


@pytest.mark.parametrize("condition", ["kernel_w >", "kernelw > 3", "kernel_w > 3 or kernel_h > 3", "> 3"])
def test_a_wrong_condition_says_so(condition: str) -> None:
    with pytest.raises(ValueError, match=r"is not a"):
        features.parse(condition)


def test_toml_positions() -> None:
    text = 'a = """x\n[b]\n"""\n[t."d.e"]\nk.l = [1,\n 2]  # ]\n[[u]]\nv = 1\n[[u]]\n w = "=["\n[u.z]\ny = {q = 1}\n'
    found = tomlpos.positions(text)
    assert found[("a",)] == (1, 1)
    assert ("b",) not in found
    assert found[("t", "d.e", "k", "l")] == (5, 1)
    assert found[("u", 0, "v")] == (8, 1)
    assert found[("u", 1, "w")] == (10, 2)
    assert found[("u", 1, "z", "y")] == (12, 1)
    assert tomlpos.position(text, ("u", 1, "missing")) == found[("u", 1)]
    with pytest.raises(tomlpos.TomlError) as caught:
        tomlpos.parse("a = 1\nb = = 2\n")
    assert (caught.value.line, caught.value.col) == (2, 5)


@pytest.mark.parametrize(
    ("name", "chips"),
    [
        ("M4", ["M4"]), ("m4 pro", ["M4 Pro"]), ("A15", ["A15 Bionic"]), ("iPhone 15 Pro", ["A17 Pro"]),
        ("iphone 15", ["A16 Bionic"]), ("MacBook Air 13-inch (2022)", ["M2"]), ("Mac mini (2023)", ["M2", "M2 Pro"]),
        ("h16", ["A17 Pro", "M4", "M4 Pro", "M4 Max"]), ("H15g", ["A16 Bionic", "A16 (iPad)", "M3", "M3 Pro", "M3 Max", "M3 Ultra"]),
        ("Apple Vision Pro (2025)", ["M5"]),
    ],
)  # fmt: skip
def test_targets_are_found(name: str, chips: list[str]) -> None:
    assert [t.chip for t in targets.resolve(name)] == chips


def test_targets_that_are_not_found() -> None:
    with pytest.raises(targets.TargetError, match="did you mean iPhone 15 Pro"):
        targets.resolve("iPhone 15 Por")
    with pytest.raises(targets.TargetError, match="not open to Core ML"):
        targets.resolve("iPhone X")
    with pytest.raises(targets.TargetError, match="H11 to H18"):
        targets.resolve("h99")
    for nothing in ("", "  ", "!"):
        with pytest.raises(targets.TargetError):
            targets.resolve(nothing)


def test_labels_of_compiler_families_are_one_off_the_chips() -> None:
    generation = {t.chip: t.generation for t in targets.chips()}
    assert generation["A14 Bionic"] == generation["M1"] == 13
    assert generation["A17 Pro"] == generation["M4"] == 16
    assert generation["A13 Bionic"] == 12


def test_every_constraint_is_accounted_for() -> None:
    table = coverage.table()
    assert len({e.constraint for e in table}) == len(table) == 189
    text = coverage.text()
    assert all(e.constraint in text for e in table)
    assert "189 constraints" in text


def test_every_conversion_placement_and_limit_rule_comes_from_a_constraint() -> None:
    used = {code for e in coverage.table() for code in e.refs}
    assert [c for c in rules.codes() if c[3] in "123" and c not in used] == []


def test_every_claim_of_the_seed_list_has_its_row() -> None:
    ids = {c.id for c in coverage.claims()}
    assert {
        "custom-layers", "recurrent-layers", "gather", "dilated-convolution", "broadcast", "nd-layers", "pooling-window",
        "upsampling-scale", "fp16-range-large", "fp16-range-small", "model-surgery", "model-size", "device-list",
        "compute-units", "see-where-it-runs",
    } <= ids  # fmt: skip


def test_conversion_cases_cover_what_was_converted() -> None:
    """Every case that fails on some path is a row of torch-conversion.csv, or named here with the reason."""
    elsewhere = {
        "nn.MultiheadAttention (need_weights default)": "ANE805", "nn.MultiheadAttention(need_weights=False)": "ANE805",
        "nn.TransformerEncoderLayer": "ANE805", "nn.TransformerEncoder": "ANE805", "nn.TransformerDecoderLayer": "ANE805",
        "nn.Transformer": "ANE805", "torch.complex mul": "ANE113 in code", "Tensor.to(bfloat16)": "ANE117 in code",
        "rank-6 reshape": "ANE105 in code", "nn.GroupNorm(2,4) rank5, whole conversion": "ANE105 in code",
        "torch.where(cond,x,scalar)": "9.0 by undecomposed export only, and only for a Python number",
    }  # fmt: skip
    listed = {entry.coverage.case for entries in conversion.table().values() for entry in entries}
    same = {"F.", "nn.Upsample", "torch.special", "torch.prod(dim", "torch.roll 2", "torch.stft(return",
            "torch.angle complex", "nn.Unfold(", "nn.LSTM(", "nn.GRU(", "nn.RNN(", "torch.inverse", "torch.hsplit", "Tensor.index_add on"}  # fmt: skip
    missing = [
        case
        for case, found in conversion.coverage().items()
        if not all(found.results.values())
        and case not in listed
        and case not in elsewhere
        and not any(case.startswith(prefix) for prefix in same)
    ]
    assert missing == []


def test_codes_of_the_table_are_bound() -> None:
    from ane_lsp.checks import convert, placement_rules

    assert set(convert.TABLE_CODES) == set(conversion.codes())
    by_fact = {f.code for rows in eligibility.facts().values() for f in rows if f.code.startswith("ANE2")}
    assert by_fact <= set(placement_rules.PLAIN) | {"ANE202", "ANE210", "ANE214", "ANE221"}


def test_the_page_of_claims_is_what_the_table_says() -> None:
    page = Path(__file__).parents[2] / "docs" / "claims.md"
    assert page.read_text(encoding="utf-8") == coverage.claims_markdown()
