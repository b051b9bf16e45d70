"""Which of the torch names that model code uses are not modelled.

    python -m benchmarks.zoo.vocabulary FREQUENCIES.csv [--above N]

FREQUENCIES.csv has columns ``kind`` (nn, F, torch, method, init ...), ``name`` and ``total``. A name counts as modelled where an
interpreted program gets something else than "not modelled" for it: an operation, a class, a constant.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from pathlib import Path
from typing import Any

from ane_lsp.graph import TensorType, Unknown
from ane_lsp.interp import run
from ane_lsp.interp.values import MISSING, Tensor
from ane_lsp.workspace import Workspace

_HOMES = {
    "nn": "torch.nn", "F": "torch.nn.functional", "torch": "torch", "einops": "einops.layers.torch", "torchother": "torch",
    "nnother": "torch.nn",
}  # fmt: skip


def missing(rows: list[dict[str, str]], above: int) -> list[tuple[str, str, int]]:
    """Kind, name and frequency of the names that are not modelled, most frequent first."""
    with tempfile.TemporaryDirectory() as folder:
        interp = run.start(Workspace(Path(folder)))

        def known(kind: str, name: str) -> bool:
            found: Any
            if kind == "method":
                found = interp.lookup_attribute(Tensor(TensorType((2, 3), "f32"), "input"), name)
            else:
                found = interp.import_module(_HOMES.get(kind, "torch"))
                for part in name.split("."):
                    found = interp.lookup_attribute(found, part)
                    if found is MISSING or isinstance(found, Unknown):
                        break
            return found is not MISSING and not isinstance(found, Unknown)

        def work() -> list[tuple[str, str, int]]:
            wanted = [(r["kind"], r["name"], int(r["total"])) for r in rows if int(r["total"]) > above]
            return [(kind, name, total) for kind, name, total in wanted if not known(kind, name)]

        done = run.guarded(interp, work)
    found: list[tuple[str, str, int]] = done.result or []
    return sorted(found, key=lambda item: -item[2])


def main() -> int:
    """Print what is missing and how much of the use it is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("frequencies", type=Path)
    parser.add_argument("--above", type=int, default=5, metavar="N", help="names used more often than this")
    options = parser.parse_args()
    with options.frequencies.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["total"].isdigit() and row["kind"] != "op"]
    absent = missing(rows, options.above)
    for kind, name, total in absent:
        print(f"{total:6}  {kind:8} {name}")
    total_uses = sum(int(row["total"]) for row in rows)
    lost = sum(total for _, _, total in absent)
    print(
        f"{len(absent)} names of {sum(int(r['total']) > options.above for r in rows)} are not modelled, {lost} of {total_uses} uses"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
