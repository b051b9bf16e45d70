"""Fourier transforms in the spelling that coremltools converts."""

from __future__ import annotations

from collections.abc import Iterator

from ane_lsp.checks.finding import Fix
from ane_lsp.fixes.site import Site, append_argument, fixer
from ane_lsp.fixes.tree import Refused, bind

_PLAIN = frozenset({"fft", "ifft", "rfft", "irfft", "fftn", "ifftn", "rfftn", "irfftn"})
_OVER_TWO = frozenset({"fft2", "ifft2", "rfft2", "irfft2"})


@fixer("ANE114")
def written_defaults(site: Site) -> Iterator[Fix]:
    """``torch.fft.rfft(x)`` is ``torch.fft.rfft(x, norm="backward")``, ``rfft2(x)`` is ``rfftn`` over the last two axes."""
    package, _, name = (site.tree.qualified(site.call.func) or "").rpartition(".")
    if package != "torch.fft" or name not in _PLAIN | _OVER_TWO:
        raise Refused("another transform")
    given = bind(site.call, ("input", "s" if name[-1] in "2n" else "n", "dim", "norm"))
    missing = ["dim=(-2, -1)"] if name in _OVER_TWO and "dim" not in given else []
    missing += ['norm="backward"'] if "norm" not in given else []
    if name in _PLAIN:
        if missing:
            yield site.fix("Write the default norm", append_argument(site, site.call, missing[0]))
        return
    spelling, imports = site.tree.spell(f"torch.fft.{name[:-1]}n")
    edits = [site.tree.replace(site.call.func, spelling, atomic=True), *imports]
    if missing:
        edits.append(append_argument(site, site.call, ", ".join(missing)))
    yield site.fix(f"Use {name[:-1]}n over the axes", *edits)
