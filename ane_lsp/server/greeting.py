"""The first exchange: ``initialize`` is answered from plain JSON, before the protocol's types are imported.

Those imports take most of a server's start (about 0.4 s of 0.5 s with lsprotocol 2025.0); the client can go on meanwhile.
"""

from __future__ import annotations

import json
from typing import Any, BinaryIO

from ane_lsp import __version__
from ane_lsp.graph.records import dataclass
from ane_lsp.server.capabilities import server_capabilities
from ane_lsp.server.client import Client
from ane_lsp.server.framing import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    NOT_INITIALIZED,
    PARSE_ERROR,
    ProtocolError,
    plain,
    read_message,
)
from ane_lsp.server.options import Configuration, read_configuration


@dataclass(frozen=True)
class Greeting:
    """What was agreed on. params: of ``initialize``; configuration: read from its options."""

    params: dict[str, Any]
    client: Client
    configuration: Configuration


def greet(reader: BinaryIO, writer: BinaryIO) -> Greeting | None:
    """Wait for ``initialize`` and answer it; None where the client left or said something unreadable first."""

    def send(**members: Any) -> None:
        writer.write(plain(**members))
        writer.flush()

    def fail(msg_id: Any, code: int, text: str) -> None:
        send(id=msg_id, error={"code": code, "message": text})

    try:
        while (body := read_message(reader)) is not None:
            try:
                message = json.loads(body)
            except (ValueError, RecursionError):
                fail(None, PARSE_ERROR, "message is not JSON")
                continue
            method = message.get("method") if isinstance(message, dict) else None
            if method == "exit":
                return None
            if not isinstance(message, dict) or "id" not in message:
                continue  # notifications before initialize are dropped
            msg_id, params = message["id"], message.get("params")
            if not isinstance(msg_id, (int, str)):
                fail(None, INVALID_REQUEST, "a request's id is a number or a text")
            elif method != "initialize":
                fail(msg_id, NOT_INITIALIZED, "not initialized")
            elif not isinstance(params, dict) or not isinstance(params.get("capabilities"), dict):
                fail(msg_id, INVALID_PARAMS, "malformed parameters of initialize")
            else:
                client = Client.of(params)
                configuration = read_configuration(params.get("initializationOptions"))
                everything = configuration.editor.diagnostic_mode == "workspace"
                offered = server_capabilities(client, everything)
                info = {"name": "ane-lsp", "version": __version__}
                send(id=msg_id, result={"capabilities": offered, "serverInfo": info})
                return Greeting(params, client, configuration)
    except ProtocolError as error:
        fail(None, PARSE_ERROR, str(error))
    except (OSError, ValueError):
        pass  # the stream was closed under us
    return None
