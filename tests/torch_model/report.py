"""``python -m tests.torch_model.report [TEXT ...]``: compares the ops whose names contain a text, prints what differs."""

from __future__ import annotations

import sys

from ane_lsp.torch_model import registry
from tests.torch_model import harness
from tests.torch_model.exempt import EXEMPT


def main(texts: list[str]) -> int:
    harness.load()
    for name in sorted(registry.names() - set(EXEMPT)):
        if texts and not any(text in name for text in texts):
            continue
        if name not in harness.CASES:
            print(f"{name}: no case")
            continue
        for line in harness.run(name):
            print(line)
    print("\n".join(harness.summary()[:2]))
    return 1 if harness.DISAGREEMENTS else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
