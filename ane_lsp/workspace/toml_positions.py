"""Where keys stand in a TOML text. ``tomllib`` gives values without positions; messages need both."""

from __future__ import annotations

import re
from collections.abc import Mapping

Key = tuple[str | int, ...]
Place = tuple[int, int, int]
"""Line from 1, first and end column in code points."""

_KEY = re.compile(r"""[ \t]*("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[A-Za-z0-9_-]+)[ \t]*(\.?)""")
_SKIP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_STRING = re.compile(r'"""(?:[^\\]|\\.)*?"""|' + r"'''.*?'''|" + r'"(?:[^"\\\n]|\\.)*"|' + r"'[^'\n]*'", re.DOTALL)


def key_positions(text: str) -> Mapping[Key, Place]:
    """Each key path (indices for arrays of tables and array items) with where the key or item is written.

    `text` must be valid TOML; of an invalid one only the part before the error is covered.
    """
    return _Scanner(text).run()


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[Key, Place] = {}
        self.arrays: dict[Key, int] = {}

    def run(self) -> Mapping[Key, Place]:
        table: Key = ()
        while True:
            self._skip()
            if self.at >= len(self.text):
                return self.found
            if self.text[self.at] == "[":
                is_array = self.text.startswith("[[", self.at)
                start = self.at
                self.at += 2 if is_array else 1
                keys = self._keys()
                if not keys:
                    return self.found
                table = self._table(tuple(name for name, _ in keys), is_array)
                end = self.text.find("]", self.at)
                end = len(self.text) if end < 0 else end + (2 if is_array else 1)
                self.found.setdefault(table, self._place(start, end))
                self.at = end
            elif not self._pair(table):
                return self.found

    def _table(self, names: tuple[str, ...], is_array: bool) -> Key:
        path: Key = ()
        for index, name in enumerate(names):
            path = (*path, name)
            if is_array and index == len(names) - 1:
                self.arrays[path] = self.arrays.get(path, -1) + 1
            if path in self.arrays:
                path = (*path, self.arrays[path])
        return path

    def _pair(self, table: Key) -> bool:
        keys = self._keys()
        self._skip()
        if not keys or not self.text.startswith("=", self.at):
            return False
        self.at += 1
        path = (*table, *(name for name, _ in keys))
        self.found.setdefault(path, keys[-1][1])
        for index in range(1, len(keys)):
            self.found.setdefault((*table, *(name for name, _ in keys[:index])), keys[index - 1][1])
        return self._value(path)

    def _keys(self) -> list[tuple[str, Place]]:
        keys: list[tuple[str, Place]] = []
        while match := _KEY.match(self.text, self.at):
            raw = match[1]
            keys.append((raw[1:-1] if raw[0] in "\"'" else raw, self._place(match.start(1), match.end(1))))
            self.at = match.end()
            if not match[2]:
                break
        return keys

    def _value(self, path: Key) -> bool:
        self._skip()
        if match := _STRING.match(self.text, self.at):
            self.at = match.end()
            return True
        opening = self.text[self.at : self.at + 1]
        if opening not in ("[", "{"):
            bare = re.compile(r"[^\s,\]}#]+(?: [0-9][^\s,\]}#]*)?").match(self.text, self.at)
            self.at = bare.end() if bare else self.at
            return bare is not None
        self.at += 1
        closing = "]" if opening == "[" else "}"
        index = 0
        while True:
            self._skip()
            if self.at >= len(self.text):
                return False
            if self.text[self.at] == closing:
                self.at += 1
                return True
            if self.text[self.at] == ",":
                self.at += 1
                continue
            start = self.at
            if closing == "}":
                if not self._pair(path):
                    return False
            else:
                item = (*path, index)
                index += 1
                if not self._value(item):
                    return False
                self.found.setdefault(item, self._place(start, self.at))

    def _skip(self) -> None:
        match = _SKIP.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def _place(self, start: int, end: int) -> Place:
        line_start = self.text.rfind("\n", 0, start) + 1
        line_end = self.text.find("\n", start)
        end = end if line_end < 0 else min(end, line_end)
        return self.text.count("\n", 0, start) + 1, start - line_start, end - line_start
