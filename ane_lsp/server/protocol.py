"""pygls with what a server for strangers' editors needs on top.

Kept from pygls: message types, conversion, bookkeeping of requests. Replaced: its documents (lines are split at form feeds),
its reading loop, its treatment of errors (tracebacks in replies, pop-ups), of cancellations still in the queue, and of
requests after ``shutdown``. It takes over once ``initialize`` was answered.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from cattrs.errors import BaseValidationError
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.protocol import LanguageServerProtocol

from ane_lsp.server.framing import encoded
from ane_lsp.server.transport import Message, Transport, cancelled_id
from ane_lsp.server.wire import ANSWER_TIME, RequestError, Wire

log = logging.getLogger(__name__)


class AneProtocol(LanguageServerProtocol):
    """Handlers come from `handlers`; `transport` is set once there is a client."""

    def __init__(self, server: Any, converter: Any) -> None:
        self.handlers: dict[str, Callable[..., Any]] = {}
        self.transport: Transport | None = None
        self.wire: Wire | None = None
        self._started: dict[Any, tuple[str, float]] = {}
        super().__init__(server, converter)

    def _register_builtin_features(self) -> None:
        """None of pygls' own: they keep documents."""

    def connect(self, transport: Transport, wire: Wire) -> None:
        """Talk through `transport` from now on. wire: has a say in it as well."""
        self.transport, self.wire = transport, wire
        self.set_writer(transport, include_headers=False)  # it has `write`, all that is used

    # -- messages in -------------------------------------------------------------------------------------------------

    def dispatch(self, message: Message | Exception) -> None:
        """Handle one message as it came off the wire. Never raises."""
        if isinstance(message, Exception):
            log.error("unreadable message: %s", message)
            self._fail(None, lsp.ErrorCodes.ParseError, str(message))
            return
        try:
            if isinstance(message.get("method"), str):
                self._incoming(message["method"], message)
            elif "id" in message:
                if self.wire is None or not self.wire.answered(message):
                    self._response(message)
            else:
                self._fail(None, lsp.ErrorCodes.InvalidRequest, "neither a request, a notification nor a response")
        except Exception:
            log.exception("while handling %s", message.get("method", "a response"))

    def _incoming(self, method: str, message: Message) -> None:
        request = "id" in message
        msg_id = message.get("id")
        if request and self._dead_on_arrival(method, msg_id):
            return
        if not request and method != "exit" and self._shutdown:
            if not (method == "initialized" or method.startswith("$/")):
                log.warning("notification %s after shutdown", method)
            return
        if method == "$/cancelRequest":
            wanted = cancelled_id(message)
            if wanted is not None:
                self._cancel(wanted)
            return
        handler = self.handlers.get(method)
        if handler is None:
            if request:
                self._fail(msg_id, lsp.ErrorCodes.MethodNotFound, f"no method {method!r} here")
            elif not method.startswith("$/"):
                log.info("notification %s is not handled", method)
            return
        try:
            params = self._params(method, message)
        except (BaseValidationError, TypeError, ValueError, KeyError, AttributeError) as error:
            log.warning("malformed parameters of %s: %r", method, error)
            if request:
                self._fail(msg_id, lsp.ErrorCodes.InvalidParams, f"malformed parameters of {method}")
            return
        if request:
            self._started[msg_id] = (method, time.perf_counter())
            self._handle_request(msg_id, method, params)  # type: ignore[arg-type]
        else:
            self._handle_notification(method, params)

    def _dead_on_arrival(self, method: str, msg_id: Any) -> bool:
        """Answer a request that is not to be carried out."""
        if not isinstance(msg_id, (int, str)):
            self._fail(None, lsp.ErrorCodes.InvalidRequest, "a request's id is a number or a text")
        elif self._shutdown:
            self._fail(msg_id, lsp.ErrorCodes.InvalidRequest, "the server is shutting down")
        elif method == "initialize":
            self._fail(msg_id, lsp.ErrorCodes.InvalidRequest, "initialized already")
        elif self.transport is not None and msg_id in self.transport.cancelled:
            self._fail(msg_id, lsp.LSPErrorCodes.RequestCancelled, "cancelled")
        else:
            return False
        return True

    def _params(self, method: str, message: Message) -> Any:
        kind = self.get_message_type(method)
        if kind is None:
            return message.get("params")
        if "params" not in message and method in ("initialized", "shutdown", "exit"):
            return None
        return self._converter.structure(message, kind).params

    def _response(self, message: Message) -> None:
        msg_id = message["id"]
        # The ids of requests that the client sent are in the same table; only those we sent have a type of result.
        if not isinstance(msg_id, (int, str)) or msg_id not in self._result_types:
            log.warning("a response to a request that was not sent: id %.60r", msg_id)
            return
        future = self._request_futures.pop(msg_id, None)
        result_type = self._result_types.pop(msg_id)
        if future is None or future.done():
            return
        if "error" in message:
            future.set_exception(RequestError.of(message["error"]))
            return
        try:
            if result_type is not None:
                future.set_result(self._converter.structure({"jsonrpc": "2.0", **message}, result_type).result)
            else:
                future.set_result(message.get("result"))
        except Exception as error:
            future.set_exception(RequestError(lsp.ErrorCodes.InvalidParams, f"malformed response: {error!r}"))

    def _cancel(self, msg_id: int | str) -> None:
        if self.transport is not None:
            self.transport.cancelled.discard(msg_id)
        future = self._request_futures.get(msg_id)
        if future is not None and not future.done():
            future.cancel()

    # -- answers out -------------------------------------------------------------------------------------------------

    def _get_handler(self, feature_name: str) -> Callable[..., Any]:
        return self.handlers[feature_name]

    def _send_handler_result(self, future: Future[Any], *, msg_id: Any) -> None:
        self._request_futures.pop(msg_id, None)
        method, started = self._started.pop(msg_id, ("", 0.0))
        if future.cancelled():
            self._fail(msg_id, lsp.LSPErrorCodes.RequestCancelled, "cancelled")
            return
        error = future.exception()
        if error is None:
            self._write({"jsonrpc": "2.0", "id": msg_id, "result": self._converter.unstructure(future.result())})
            self.log_trace(f"{method} answered in {1000 * (time.perf_counter() - started):.1f} ms")
        elif isinstance(error, RequestError):
            self._fail(msg_id, error.code, str(error), error.data)
        elif isinstance(error, JsonRpcException):
            self._fail(msg_id, error.code or lsp.ErrorCodes.InternalError, error.message or "failed")
        else:
            log.error("%s failed", method, exc_info=error)
            self._fail(msg_id, lsp.ErrorCodes.InternalError, f"{method} failed: {type(error).__name__}; see the log")

    def _check_handler_result(self, future: Future[Any]) -> None:
        if not future.cancelled() and (error := future.exception()) is not None:
            log.error("a notification's handler failed", exc_info=error)

    def _fail(self, msg_id: Any, code: int, message: str, data: Any = None) -> None:
        self._started.pop(msg_id, None)
        error = {"code": int(code), "message": message}
        self._write({"jsonrpc": "2.0", "id": msg_id, "error": error if data is None else {**error, "data": data}})

    def _send_data(self, data: Any) -> None:
        if data:
            self._write(data)

    def _write(self, data: Any) -> None:
        if self.transport is None:
            return
        try:
            body = encoded(data, self._serialize_message)
        except Exception:
            log.exception("a message cannot be written")
            return
        self.transport.write(body)

    def log_trace(self, message: str) -> None:
        """Tell a tracing client what happened."""
        if self.trace in (lsp.TraceValue.Messages, lsp.TraceValue.Verbose):
            self.notify("$/logTrace", lsp.LogTraceParams(message))

    async def ask(self, method: str, params: Any, timeout: float = ANSWER_TIME) -> Any:
        """Send a request and wait for the client's answer. Raises RequestError, also where none comes in time."""
        try:
            return await asyncio.wait_for(self.send_request_async(method, params), timeout)
        except asyncio.TimeoutError:
            raise RequestError(lsp.LSPErrorCodes.RequestFailed, f"the client did not answer {method}") from None
