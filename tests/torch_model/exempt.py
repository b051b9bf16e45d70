"""Declared names that are not compared with torch, and why."""

from __future__ import annotations

EXEMPT: dict[str, str] = {
    "torch.Tensor.__setitem__": "returns nothing; test_subscript_assignment.py compares what the tensor holds afterwards",
    "torch.Tensor.cuda": "needs a GPU; the rule returns the tensor itself",
    "torch.Tensor.xpu": "needs an accelerator; the rule returns the tensor itself",
    "torch.Tensor.ipu": "needs an accelerator; the rule returns the tensor itself",
    "torch.Tensor.pin_memory": "needs an accelerator; the rule returns the tensor itself",
    "torch.from_numpy": "NumPy arrays are not modelled; the rule answers unknown",
    "torch.frombuffer": "byte buffers are not modelled; the rule gives a vector of unknown length",
}
