"""Configurations of published models that are on this machine: a folder of the project, or the Hugging Face cache.

Only ``config.json`` is read; weights are not, and nothing is fetched.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?\Z")
_REVISION = re.compile(r"[\w.-]+\Z")
_LIMIT = 1_000_000  # characters; the longest published ones hold the labels of 20,000 classes


def find_configuration(
    name: str,
    root: Path,
    read: Callable[[Path], str],
    subfolder: str = "",
    revision: str = "main",
    environ: Mapping[str, str] = os.environ,
) -> dict[str, Any] | None:
    """The contents of the ``config.json`` that ``from_pretrained(name)`` would read, None where it is not here.

    root: the project; a folder in it named `name` comes first. read: a file's text, empty where it has none.
    """
    if ".." in name.split("/") or ".." in subfolder.split("/") or Path(subfolder).is_absolute():
        return None
    for folder in _folders(name, root, read, revision, environ):
        text = read(folder / subfolder / "config.json")
        if not text or len(text) > _LIMIT:
            continue
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            return found
    return None


def _folders(
    name: str, root: Path, read: Callable[[Path], str], revision: str, environ: Mapping[str, str]
) -> Iterator[Path]:
    local = Path(name)
    if not local.is_absolute():
        yield root / local
    elif local.parts[: len(root.parts)] == root.parts:
        yield local
    if not _NAME.match(name) or not _REVISION.match(revision):
        return
    kept = _cache(environ) / f"models--{name.replace('/', '--')}"
    commit = read(kept / "refs" / revision).strip() or revision
    if _REVISION.match(commit):
        yield kept / "snapshots" / commit


def _cache(environ: Mapping[str, str]) -> Path:
    """Where huggingface_hub keeps files, by its own variables."""
    if environ.get("HF_HUB_CACHE"):
        return Path(environ["HF_HUB_CACHE"])
    home = environ.get("HF_HOME") or str(Path(environ.get("XDG_CACHE_HOME") or "~/.cache", "huggingface"))
    return Path(home).expanduser() / "hub"
