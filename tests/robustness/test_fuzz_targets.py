"""The fuzzer's targets over their seeds, over a few mutations, and over every input that once found something.

Coverage-guided hours of it: ``python -m benchmarks.fuzz all --minutes 60``.
"""

from __future__ import annotations

import random
from collections import Counter
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


def test_edits_of_a_file_are_answered_as_from_scratch(tmp_path: Path) -> None:
    """A sample of what ``python -m benchmarks.fuzz.again`` does over whole packages."""
    from benchmarks.fuzz import again

    path = tmp_path / "net.py"
    text = (
        "import torch\nfrom torch import nn\n\n\nclass Net(nn.Module):\n    def __init__(self, width=4):\n        super().__init__()\n"
        "        self.conv = nn.Conv2d(3, width, 3, bias=False)\n        self.pool = nn.MaxPool2d(9, stride=1, padding=4)\n\n"
        "    def forward(self, x):\n        y = self.conv(x)\n        y = self.pool(y * 2)\n        return y + 1\n"
    )
    path.write_text(text)
    counts: Counter[str] = Counter()
    assert again.follow(path, text, random.Random(3), edits=8, every=2, counts=counts) is None
    assert counts["compared"] >= 3
    assert counts["kept"] >= 2


def test_an_answer_that_differs_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks.fuzz import again

    path = tmp_path / "net.py"
    path.write_text("x = 1\n")
    answers = iter(range(100))
    monkeypatch.setattr(
        again,
        "shown",
        lambda analyst, path: (
            {"errors": (), "findings": next(answers)} if analyst.analyze(str(path), lambda: False) else {}
        ),
    )
    monkeypatch.setattr(again, "edit", lambda text, chance: text + "y = 2\n")
    found = again.follow(path, "x = 1\n", random.Random(0), edits=2, every=2, counts=Counter())
    assert found is not None
    assert found[1] == "findings"


def test_changed_documents_never_hold_themselves() -> None:
    """Odd values that are put in are changed in place later: shared ones ended up in themselves, and the fuzzer hung."""
    import json

    from benchmarks.fuzz.mutators import ODD_VALUES, json_values

    before = repr(ODD_VALUES)
    chance = random.Random(26)
    data = b'{"version": 1, "findings": [{"fingerprint": "0", "count": 1}]}'
    for _ in range(3000):
        data = json_values()(data, chance)[:3000]
        if not data.startswith((b"{", b"[")):
            data = json.dumps({"version": 2, "findings": [[{}]]}).encode()
    assert repr(ODD_VALUES) == before
