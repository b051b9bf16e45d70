"""ANE129: calls that convert into something else."""

from __future__ import annotations

from collections.abc import Iterator

from ane_lsp.checks.engine import Context, Report, graph_rule
from ane_lsp.checks.wording import qualified
from ane_lsp.knowledge import differences


@graph_rule("ANE129", per_target=False)
def converts_differently(context: Context) -> Iterator[Report]:
    """Calls of the table, by export path and version."""
    path, version = context.options.export_path, context.options.coremltools
    for call in context.called(lambda torch: bool(differences.differences(torch, path, version))):
        found = differences.difference(call, path, version) if call.id not in context.idle_calls else None
        if found is not None:
            yield Report(
                f"{qualified(call)} converts and computes something else than torch: it {found.what} "
                f"(coremltools {' and '.join(found.versions(path))}). {found.advice}",
                at=call,
                severity=found.severity,
                data={"torch": call.torch, "converts": True},
            )
