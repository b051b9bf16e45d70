"""Messages in and out: framing on two threads, so that neither a silent nor a slow client ever blocks the event loop.

pygls reads with ``readline`` jobs on its thread pool (one slot is always taken), knows ``Content-Length`` in one
capitalisation only, and sees a cancellation no sooner than everything queued before it. Here one thread reads whole
messages and notes cancellations on arrival; another writes.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable
from typing import Any, BinaryIO

from ane_lsp.server.framing import ProtocolError, read_message

Message = dict[str, Any]


def cancelled_id(message: Message) -> int | str | None:
    """The request that a message takes back; None where it takes back none, or what cannot be one."""
    params = message.get("params")
    if message.get("method") != "$/cancelRequest" or not isinstance(params, dict):
        return None
    wanted = params.get("id")
    return wanted if isinstance(wanted, (int, str)) else None


class Transport:
    """One client's streams.

    `deliver` gets each message (on the reading thread), `closed` is called once when the client is gone.
    `cancelled` holds the ids of requests whose cancellation has been read but not yet handled.
    """

    def __init__(
        self,
        reader: BinaryIO,
        writer: BinaryIO,
        deliver: Callable[[Message | Exception], None],
        closed: Callable[[], None],
    ) -> None:
        self._reader, self._writer = reader, writer
        self._deliver, self._closed = deliver, closed
        self._out: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._broken = threading.Event()
        self.cancelled: set[int | str] = set()
        self._threads = [
            threading.Thread(target=self._read, name="ane-lsp read", daemon=True),
            threading.Thread(target=self._write, name="ane-lsp write", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def write(self, data: bytes) -> None:
        """Queue framed bytes; pygls calls this from wherever a message was made."""
        self._out.put(data)

    def close(self, timeout: float = 1.0) -> None:
        """Send what is queued, for at most `timeout` seconds: a client that has stopped reading must not keep us."""
        self._out.put(None)
        self._threads[1].join(timeout)

    def _read(self) -> None:
        try:
            while (body := read_message(self._reader)) is not None:
                try:
                    message = json.loads(body)
                except (ValueError, RecursionError) as error:
                    self._deliver(ProtocolError(f"message is not JSON: {error}"))
                    continue
                if not isinstance(message, dict):
                    self._deliver(ProtocolError("message is not an object (batches are not part of LSP)"))
                    continue
                wanted = cancelled_id(message)
                if wanted is not None:
                    self.cancelled.add(wanted)
                self._deliver(message)
        except ProtocolError as error:
            self._deliver(error)
        except (OSError, ValueError):
            pass  # the stream was closed under us: same as its end
        finally:
            self._closed()  # whatever ended this thread: a server that hears nothing must not stay

    def _write(self) -> None:
        while (data := self._out.get()) is not None:
            if self._broken.is_set():
                continue
            try:
                self._writer.write(data)
                if self._out.empty():
                    self._writer.flush()
            except (OSError, ValueError):
                self._broken.set()
                self._closed()
