"""ANE3xx: sizes and parameters beyond what the ANE accepts."""

from __future__ import annotations

from collections.abc import Iterator

from ane_lsp.checks.engine import Context, Report, rule
from ane_lsp.graph import Op


@rule("ANE302", ops=("max_pool",))
def max_pool_window(context: Context, op: Op) -> Iterator[Report]:
    """Pool windows 9 to 31 or more than 32 wide."""
    kernel = op.attrs.get("kernel_sizes")
    if not kernel or not all(isinstance(k, int) for k in kernel):
        return
    width = kernel[-1]
    if width <= 8 or width == 32:
        return
    window = "x".join(map(str, kernel))
    yield Report(
        f"max_pool with a {window} window runs on the CPU (measured on M4, macOS 27; widest window there: 8). "
        "Two stacked smaller pools give the same result.",
        weight=width,
        data={"kernel": list(kernel)},
    )
