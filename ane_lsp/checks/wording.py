"""How findings name an operation and say what it means for the reader."""

from __future__ import annotations

from ane_lsp.checks.engine import Context
from ane_lsp.graph import Call
from ane_lsp.knowledge import rules as pages
from ane_lsp.knowledge.eligibility import Verdict
from ane_lsp.torch_model import registry

_OPERATORS = {
    "__getitem__": "indexing",
    "__setitem__": "assignment into a tensor",
    "__mod__": "%",
    "__matmul__": "@",
    "__pow__": "**",
    "__floordiv__": "//",
    "__rtruediv__": "/",
}


def name(call: Call) -> str:
    """What the author calls it: ``MaxPool2d``, ``argmax``, ``indexing``."""
    last = call.torch.rsplit(".", 1)[-1]
    # What torch.nn.utils.parametrize makes of a Conv1d is still a Conv1d to its author.
    return _OPERATORS.get(last, last).removeprefix("Parametrized")


def qualified(call: Call) -> str:
    """The spelling a reader finds in torch's documentation: ``torch.erfc``, ``nn.CELU``, ``F.celu``, ``Tensor.erfc``."""
    full = call.torch.removesuffix("_")
    if full != call.torch and registry.find(full) is None:
        full = call.torch  # ``normal_`` has no other form
    for prefix, short in (("torch.nn.functional.", "F."), ("torch.nn.", "nn."), ("torch.Tensor.", "Tensor.")):
        if full.startswith(prefix) and "." not in full[len(prefix) :]:
            return _OPERATORS.get(full[len(prefix) :]) or short + full[len(prefix) :]
    return full.replace("torch.functional.", "torch.")


def scope(verdict: Verdict, context: Context) -> str:
    """Where the verdict was seen, in brackets, and that it is carried over where it is."""
    carried = f"; carried over to {context.target.label}" if verdict.confidence == "carried" else ""
    return f"({verdict.scope}{carried})"


def advice(code: str, key: str = "advice") -> str:
    """The last sentence of a message, from the rule's page."""
    return pages.get(code).messages[key]


def off_ane(subject: str, verdict: Verdict, context: Context, hint: str) -> str:
    """The whole message for an op that leaves the ANE."""
    runs = "may run on the CPU" if verdict.ane == "depends" else "runs on the CPU"
    because = f": {verdict.reason} " if verdict.reason else " "
    return f"{subject} {runs}{because}{scope(verdict, context)}. {hint}"
