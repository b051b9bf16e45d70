"""Declared names that are not compared with torch, and why."""

from __future__ import annotations

EXEMPT: dict[str, str] = {
    "torch.Tensor.__setitem__": "returns nothing; test_subscript_assignment.py compares what the tensor holds afterwards",
}
