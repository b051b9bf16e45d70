"""Attributes that classes of torch 2.13 have and their models here do not: a class has no others, so ``hasattr`` is decided.

They stand in ``class_names.json``, which ``tests/torch_model/test_class_names.py`` compares with torch.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=1)
def _unmodelled() -> dict[str, frozenset[str]]:
    path = Path(__file__).with_suffix(".json")
    return {name: frozenset(names) for name, names in json.loads(path.read_text(encoding="utf-8")).items()}


def has_besides(cls: str, name: str) -> bool:
    """Whether torch's class `cls`, by its full name, has an attribute that is not modelled."""
    return name in _unmodelled().get(cls, ())


__all__ = ["has_besides"]
