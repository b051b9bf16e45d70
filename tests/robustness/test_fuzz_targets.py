"""The fuzzer's targets over their seeds, over a few mutations, and over every input that once found something.

Coverage-guided hours of it: ``python -m benchmarks.fuzz all --minutes 60``.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from benchmarks.fuzz.targets import TARGETS

REGRESSIONS = Path(__file__).parent / "regressions"
FOUND = sorted(path for path in REGRESSIONS.rglob("*") if path.is_file())
SEEDS = {"sources": 6, "fixes": 2, "settings": 6}  # of each target; the rest takes all
MUTATIONS = {"sources": 6, "fixes": 2, "calls": 6, "settings": 6, "jsonrpc": 20}  # 60 of the others


@pytest.mark.parametrize("path", FOUND, ids=lambda p: f"{p.parent.name}: {p.name}")
def test_what_was_found_stays_mended(path: Path) -> None:
    TARGETS[path.parent.name].run(path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_and_mutations_of_them(name: str) -> None:
    target, chance = TARGETS[name], random.Random(7)
    seeds = target.seeds()
    assert seeds
    for seed in chance.sample(seeds, min(len(seeds), SEEDS.get(name, len(seeds)))):
        target.run(seed)
    for _ in range(MUTATIONS.get(name, 60)):
        data = chance.choice(seeds)
        if target.mutate is not None:
            data = target.mutate(data, chance)
        else:
            at = chance.randrange(len(data))
            data = data[:at] + chance.randbytes(chance.randint(0, 8)) + data[at + chance.randint(0, 8) :]
        target.run(data[: target.length])


def test_every_regression_belongs_to_a_target() -> None:
    assert {path.parent.name for path in FOUND} <= set(TARGETS)
