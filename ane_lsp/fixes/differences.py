"""Calls that convert into something else, in a form that does not."""

from __future__ import annotations

from collections.abc import Iterator

from ane_lsp.checks.finding import Fix
from ane_lsp.fixes.site import Site, fixer
from ane_lsp.fixes.tree import Refused


@fixer("ANE129")
def same(site: Site) -> Iterator[Fix]:
    """``x.var(correction=1)``, ``x.flatten().argmax()``, ``(x != 0).any()``."""
    name = site.name().rsplit(".", 1)[-1]
    subject, bound = site.method_or_function(("dim", "keepdim"))
    atom, tree = site.tree.atom(subject), site.tree
    if name in ("var", "std") and not bound:
        func = tree.text(site.call.func)
        given = f"{tree.text(subject)}, " if subject in site.call.args else ""
        yield site.fix("Write correction=1", tree.replace(site.call, f"{func}({given}correction=1)", atomic=True))
    elif name in ("any", "all"):
        yield site.fix("Compare with zero first", tree.replace(subject, f"({atom} != 0)", atomic=True))
    elif name in ("argmax", "argmin") and not bound:
        yield site.fix("Flatten first", tree.replace(subject, f"{atom}.flatten()", atomic=True))
    else:
        raise Refused("no other form")
