"""Pages whose text stands elsewhere in the repository: editors, contributing, security, changes."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {
    "contributing.md": "CONTRIBUTING.md",
    "security.md": "SECURITY.md",
    "changelog.md": "CHANGELOG.md",
    "editors/index.md": "editors/README.md",
    **{
        f"editors/{path.parent.name}.md": f"editors/{path.parent.name}/README.md"
        for path in sorted((ROOT / "editors").glob("*/README.md"))
    },
}
"""Address below docs/ to the file it is made from."""

IMAGES = {
    path.relative_to(ROOT).as_posix(): f"assets/editors/{path.parent.parent.name}-{path.name}"
    for path in sorted((ROOT / "editors").glob("*/images/*.png"))
}
"""Pictures those files show, and their addresses below docs/."""

_LINK = re.compile(r"(\]\()([^)\s:#]+)(#[^)\s]*)?\)")


def pages() -> Iterator[tuple[str, str]]:
    """(address below docs/, Markdown)."""
    for address, name in SOURCES.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        yield address, relink(text, name, address)


def relink(text: str, name: str, address: str) -> str:
    """The text of the repository's file `name` with its links as they must be on the page `address`."""
    return _LINK.sub(lambda match: _moved(match, name, address), text)


def _moved(link: re.Match[str], name: str, address: str) -> str:
    """A link of the file, as it must be written on its page."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(name), link[2]))
    homes = {source: page for page, source in SOURCES.items()} | IMAGES
    inside = homes.get(target) or (target.removeprefix("docs/") if target.startswith("docs/") else None)
    if inside is None:
        return link[0]
    return f"{link[1]}{posixpath.relpath(inside, posixpath.dirname(address) or '.')}{link[3] or ''})"
