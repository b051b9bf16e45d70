"""Where installed packages lie, without importing them."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def folder(name: str) -> Path | None:
    """The folder of an installed package, None where there is none."""
    spec = importlib.util.find_spec(name)
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    return Path(places[0]) if places else None


def required(name: str) -> Path:
    """The folder of an installed package; ends the program where there is none."""
    found = folder(name)
    if found is None:
        raise SystemExit(f"{name} is not installed")
    return found
