"""File URIs to paths and back, and one spelling per document.

Clients differ in how they escape (``file:///c%3A/x%20y.py`` against ``file:///C:/x y.py``), so documents are looked up
under :func:`key`, while what goes back to the client is the spelling the client used.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePath
from urllib.parse import quote, unquote, urlsplit

_DRIVE = re.compile(r"^/?([A-Za-z]):")
_WINDOWS = os.name == "nt"


def scheme(uri: str) -> str:
    """The URI's scheme in lower case, ``""`` where it has none."""
    head, colon, _ = uri.partition(":")
    return head.lower() if colon and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", head) else ""


def key(uri: str) -> str:
    """One spelling for all escapings of the same URI."""
    plain = unquote(uri)
    if plain.startswith("file:///") and (drive := _DRIVE.match(plain[7:])):
        return f"file:///{drive.group(1).lower()}:{plain[7 + drive.end() :]}"
    return plain


def to_path(uri: str) -> Path | None:
    """The path a ``file:`` URI names; None for other schemes and for what cannot be a path."""
    if scheme(uri) != "file":
        return None
    try:
        parts = urlsplit(uri.replace("#", "%23").replace("?", "%3F"))
    except ValueError:  # "file://[": the start of an IPv6 address
        return None
    path = unquote(parts.path, errors="surrogateescape")
    if "\0" in path:
        return None
    if _WINDOWS:  # pragma: no cover - exercised on Windows only
        if parts.netloc:
            return Path(f"//{unquote(parts.netloc)}{path}")
        return Path(path.lstrip("/") if _DRIVE.match(path) else path)
    return Path(path)


def from_path(path: PurePath | str) -> str:
    """The ``file:`` URI of an absolute path, escaped as VS Code does it."""
    text = str(path).replace("\\", "/") if _WINDOWS else str(path)
    drive = _DRIVE.match(text) if _WINDOWS else None
    if drive:  # pragma: no cover - exercised on Windows only
        return f"file:///{drive.group(1).lower()}%3A{quote(text[drive.end() :])}"
    return "file://" + quote(_encoded(text), safe="/~")


def _encoded(text: str) -> bytes:
    """A path's bytes: names need not be UTF-8, and what a client sends need not be a name."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
