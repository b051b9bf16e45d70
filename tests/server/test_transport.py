"""The base protocol, byte by byte."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ane_lsp.server.framing import ProtocolError, frame, read_message


@given(st.lists(st.binary(max_size=50), max_size=5))
def test_what_is_framed_is_read_again(bodies):
    stream = io.BytesIO(b"".join(map(frame, bodies)))
    assert [read_message(stream) for _ in bodies] == bodies
    assert read_message(stream) is None


@pytest.mark.parametrize(
    "head",
    [
        b"content-length: 2\r\n\r\n",
        b"CONTENT-LENGTH:2\n\n",
        b"X: y\r\nContent-Length: 2\r\n\r\n",
        b"\r\n\r\nContent-Length: 2\r\n\r\n",
    ],
)
def test_headers_as_clients_write_them(head):
    assert read_message(io.BytesIO(head + b"{}")) == b"{}"


@pytest.mark.parametrize(
    "stream", [b"Content-Length: x\r\n\r\n{}", b"X: y\r\n\r\n{}", b"Content-Length: 99999999999\r\n\r\n", b"x" * 20000]
)
def test_streams_that_cannot_be_followed_are_refused(stream):
    with pytest.raises(ProtocolError):
        read_message(io.BytesIO(stream))


def test_a_stream_that_ends_within_a_message_has_ended():
    assert read_message(io.BytesIO(b"Content-Length: 9\r\n\r\n{}")) is None
    assert read_message(io.BytesIO(b"Content-Le")) is None
    assert read_message(io.BytesIO(b"")) is None
