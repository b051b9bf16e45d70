"""A new rule from a template: the page and the check to fill in. Behind ``ane-lsp dev new-rule``."""

from __future__ import annotations

import re
from pathlib import Path

from ane_lsp.graph.records import dataclass
from ane_lsp.knowledge import rules

_CODE = re.compile(r"ANE[1-8]\d\d")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# The module of each family that a new check is usually added to.
MODULES = {
    "1": "convert", "2": "placement_rules", "3": "limits", "4": "performance", "5": "numerics", "6": "dynamic",
    "7": "weights", "8": "transformers",
}  # fmt: skip


class ScaffoldError(ValueError):
    """The code or name does not fit, or is taken."""


@dataclass(frozen=True, slots=True)
class Scaffold:
    """What was written, and the check to paste. check: source for `module`, below ``ane_lsp/checks``."""

    page: Path
    module: str
    check: str


def new_rule(root: Path, code: str, name: str, summary: str, op: str) -> Scaffold:
    """Write ``rules/CODE-name.md`` below the repository `root` and return the check that goes with it.

    op: the kind of operation it looks at. The page loads as it is; its ``TODO`` texts and examples are to be replaced.
    Raises ScaffoldError where the code or name does not fit or is taken.
    """
    if not _CODE.fullmatch(code):
        raise ScaffoldError(f"{code!r} is not a rule code such as ANE309; the first digit is the family")
    if not _NAME.fullmatch(name):
        raise ScaffoldError(f"{name!r} is not a rule name such as max-pool-window")
    if code in rules.codes():
        raise ScaffoldError(f"{code} is taken by {rules.rule_name(code)}")
    if rules.by_name(name):
        raise ScaffoldError(f"{name} is the name of {rules.by_name(name)}")
    page = root / "rules" / f"{code}-{name}.md"
    text = _PAGE.format(
        code=code, name=name, summary=summary.replace('"', "'"), category=rules.CATEGORIES[code[3]], op=op
    )
    rules.parse_page(page.name, text)
    page.write_text(text, encoding="utf-8")
    module = MODULES[code[3]]
    return Scaffold(
        page, f"ane_lsp/checks/{module}.py", _CHECK.format(code=code, function=name.replace("-", "_"), op=op)
    )


_EXAMPLE = """```python {kind}
import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        return x.relu(){mark}


if __name__ == "__main__":
    Net()(torch.randn(1, 8, 16, 16))
```
"""

_PAGE = (
    """+++
code = "{code}"
name = "{name}"
summary = "{summary}"
category = "{category}"
severity = "warning"
ops = ["{op}"]
applies-to = ["all"]
fix = "none"

[[evidence]]
claim = "TODO: what was seen, in your own words."
source = "TODO: where"
basis = "measured"
chip = "TODO"
os = "TODO"
date = "TODO"
+++

## What it flags

TODO

## Why

TODO

## How to fix

TODO

## When to ignore it

TODO

## Examples

"""
    + _EXAMPLE.format(kind="bad", mark="  # expect: {code}")
    + "\n"
    + _EXAMPLE.format(kind="good", mark="")
    + "\n"
    + _EXAMPLE.format(kind="near-miss", mark="")
)

_CHECK = '''@rule("{code}", ops=("{op}",))
def {function}(context: Context, op: Op) -> Iterator[Report]:
    """TODO: what it flags."""
    if True:  # TODO: the condition, over op.inputs, op.attrs and op.call
        yield Report("TODO: what happens (scope). TODO: what to do.", data={{"op": op.kind}})
'''
