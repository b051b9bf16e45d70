"""Path patterns: the glob dialect of settings, and of ``.gitignore`` files."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=4096)
def glob_regex(pattern: str) -> re.Pattern[str]:
    """``*`` and ``?`` stay inside one path part, ``**`` crosses parts, ``[...]`` is a character class."""
    out, index = "", 0
    while index < len(pattern):
        char = pattern[index]
        if pattern.startswith("**/", index) and (index == 0 or pattern[index - 1] == "/"):
            out, index = out + "(?:[^/]+/)*", index + 3
            continue
        if pattern.startswith("**", index):
            out, index = out + ".*", index + 2
            continue
        if char == "*":
            out += "[^/]*"
        elif char == "?":
            out += "[^/]"
        elif char == "[" and (close := pattern.find("]", index + 2)) > 0:
            inner = pattern[index + 1 : close].replace("\\", "\\\\")
            inner = "^" + inner[1:] if inner[0] in "!^" else inner
            out, index = out + f"[{inner}]", close + 1
            continue
        elif char == "\\" and index + 1 < len(pattern):
            index += 1
            out += re.escape(pattern[index])
        else:
            out += re.escape(char)
        index += 1
    try:
        return re.compile(out + r"\Z")
    except re.error:
        return re.compile(re.escape(pattern) + r"\Z")


def path_matches(path: Path, pattern: str, root: Path | None, whole: bool = False) -> bool:
    """Whether `path` or, unless `whole`, a folder that holds it matches. Without ``/`` a name at any depth is meant."""
    try:
        relative = path.relative_to(root) if root is not None else path
    except ValueError:
        relative = path
    pattern = pattern.removeprefix("./").rstrip("/")
    regex = glob_regex(pattern)
    parts = relative.parts
    if "/" not in pattern:
        return any(regex.match(part) for part in (parts[-1:] if whole else parts))
    ends = range(len(parts) if whole else 1, len(parts) + 1)
    return any(regex.match("/".join(parts[:end])) for end in ends)
