"""``ane-lsp dev``: chores for contributors, run in a source checkout."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ane_lsp.cli.errors import CLEAN, UsageError
from ane_lsp.cli.options import to_utf8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``dev``."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="CHORE")
    new = actions.add_parser("new-rule", help="write the page of a new rule, to be filled in")
    new.add_argument("code", help="a free code, for example ANE321; its digit decides the family")
    new.add_argument("name", help="what is wrong, in a few words with hyphens: max-pool-window")
    new.add_argument("--op", action="append", default=[], help="the MIL operation it looks at; repeatable")
    actions.add_parser("schema", help="print the JSON schema of the settings")
    actions.add_parser("settings-docs", help="print the settings reference")
    actions.add_parser("man", help="print the manual page")


def run(args: argparse.Namespace) -> int:
    """Do the chore."""
    to_utf8(sys.stdout)
    if args.action == "new-rule":
        return _new_rule(args.code, args.name, args.op)
    if args.action == "man":
        from ane_lsp.cli.man import manual

        print(manual(), end="")
        return CLEAN
    from ane_lsp.workspace import schema

    text = schema.markdown() if args.action == "settings-docs" else json.dumps(schema.json_schema(), indent=2) + "\n"
    print(text, end="")
    return CLEAN


def _new_rule(code: str, name: str, ops: list[str]) -> int:
    from ane_lsp.knowledge import files, rules

    folder = Path(str(files.root()))
    if not (folder.parent / "pyproject.toml").is_file():
        raise UsageError("new-rule works in a source checkout: install it with pip install -e .")
    code = code.upper()
    if len(code) != 6 or not code.startswith("ANE") or not code[3:].isdigit() or code[3] not in rules.CATEGORIES:
        families = ", ".join(f"ANE{digit}xx {family}" for digit, family in rules.CATEGORIES.items())
        raise UsageError(f"{code!r} is not a code of a family: {families}")
    if code in rules.codes():
        raise UsageError(f"{code} is taken: {rules.rule_name(code)}")
    if rules.by_name(name) is not None:
        raise UsageError(f"{name} is taken: {rules.by_name(name)}")
    if not all(part.isalnum() and part == part.lower() for part in name.split("-")):
        raise UsageError(f"{name!r}: write lower-case words joined by hyphens")
    path = folder / f"{code}-{name}.md"
    family = rules.CATEGORIES[code[3]]
    path.write_text(_PAGE.format(code=code, name=name, family=family, ops=json.dumps(ops)), encoding="utf-8")
    print(f"wrote rules/{path.name}\n")
    print("Now, in the module of ane_lsp/checks that holds its family:\n")
    function = name.replace("-", "_")
    print(f'@rule("{code}")\ndef {function}(context: Context, op: Op) -> Iterator[Report]:')
    print('    """Yield a Report where `op` is what the page describes."""\n')
    print(f"Then: python -m pytest tests -k {code}")
    return CLEAN


_PAGE = """+++
code = "{code}"
name = "{name}"
summary = "WHAT IS WRONG, in one line without a full stop"
category = "{family}"
severity = "warning"
ops = {ops}
applies-to = ["all"]
fix = "none"

[[evidence]]
claim = "WHAT WAS SEEN, in one sentence."
source = "WHERE IT CAN BE READ: a repository and path, a document, an issue"
basis = "measured"
chip = "M4"
os = "macOS 27"
date = "YYYY-MM-DD"
+++

## What it flags

WHICH CODE, exactly, with its limits.

## Why

WHAT HAPPENS on the device, and what it costs.

## How to fix

WHAT TO WRITE INSTEAD, and whether the numbers stay the same.

## When to ignore it

WHEN IT DOES NOT MATTER.

## Examples

```python bad
import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        return x  # expect: {code}


if __name__ == "__main__":
    Net()(torch.randn(1, 8, 16, 16))
```

```python good
import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        return x


if __name__ == "__main__":
    Net()(torch.randn(1, 8, 16, 16))
```

```python near-miss
import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        return x


if __name__ == "__main__":
    Net()(torch.randn(1, 8, 16, 16))
```
"""
