"""Plain JSON-RPC: what is said to a client without the protocol's types, which take long to import."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

from ane_lsp.server.framing import plain

Json = dict[str, Any]
REQUEST_FAILED = -32803
ANSWER_TIME = 10.0  # seconds a client has to answer


class RequestError(Exception):
    """A request that cannot be answered, with the code and words the other side gets."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.data = code, data

    @classmethod
    def of(cls, error: Any) -> RequestError:
        """What a response says in place of a result."""
        said = error if isinstance(error, dict) else {}
        return cls(said.get("code", 0), str(said.get("message", "error")))


class Wire:
    """Tells a client things, and asks it some. Of the event loop's thread."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._numbers = itertools.count(1)
        self._asked: dict[str, asyncio.Future[Any]] = {}

    def notify(self, method: str, params: Any) -> None:
        self._write(plain(method=method, params=params))

    async def ask(self, method: str, params: Any, timeout: float = ANSWER_TIME) -> Any:
        """Send a request and wait for the client's answer. Raises RequestError, also where none comes in time."""
        number = f"ane-lsp:{next(self._numbers)}"
        self._asked[number] = future = asyncio.get_running_loop().create_future()
        self._write(plain(id=number, method=method, params=params))
        try:
            return await asyncio.wait_for(future, timeout)
        except asyncio.TimeoutError:
            raise RequestError(REQUEST_FAILED, f"the client did not answer {method}") from None
        finally:
            del self._asked[number]

    def answered(self, response: Json) -> bool:
        """Take a response to a request of :meth:`ask`. False where it is none."""
        number = response.get("id")
        future = self._asked.get(number) if isinstance(number, str) else None
        if future is None:
            return False
        if not future.done():
            if "error" in response:
                future.set_exception(RequestError.of(response["error"]))
            else:
                future.set_result(response.get("result"))
        return True
