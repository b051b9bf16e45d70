"""The base protocol's envelope: a header with the length, then the body, which is JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, BinaryIO

MAX_MESSAGE = 256 * 1024 * 1024  # bytes; more is a broken header, not a document
MAX_HEADER = 16 * 1024
PARSE_ERROR, INVALID_REQUEST, INVALID_PARAMS, NOT_INITIALIZED = -32700, -32600, -32602, -32002


class ProtocolError(ValueError):
    """The stream does not hold what the base protocol says; reading on is pointless."""


def read_message(stream: BinaryIO) -> bytes | None:
    """The body of the next message, None at the end of the stream.

    Header names are compared without regard to case and lines may end in a bare LF.
    Raises ProtocolError where no length can be made out.
    """
    length: int | None = None
    seen = 0
    while True:
        line = stream.readline(MAX_HEADER)
        if not line:
            return None
        seen += len(line)
        if seen > MAX_HEADER:
            raise ProtocolError("header too long")
        if not line.strip():
            if length is not None:
                break
            if seen > len(line):
                raise ProtocolError("header without Content-Length")
            seen = 0  # blank lines between messages do no harm
            continue
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            if not value.strip().isdigit():
                raise ProtocolError(f"bad Content-Length {value.strip()[:40]!r}")
            length = int(value)
    if length > MAX_MESSAGE:
        raise ProtocolError(f"message of {length} bytes")
    body = stream.read(length)
    return body if len(body) == length else None


def frame(body: bytes) -> bytes:
    """`body` with its header."""
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def encoded(message: Any, default: Callable[[Any], Any] | None = None) -> bytes:
    """A message as it goes over the wire. default: makes JSON of what is none."""
    return frame(json.dumps(message, default=default, separators=(",", ":")).encode("ascii"))


def plain(**members: Any) -> bytes:
    """A message of these members as it goes over the wire."""
    return encoded({"jsonrpc": "2.0", **members})
