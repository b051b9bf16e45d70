"""Servers for tests: each test gets its own process, which must be gone at its end."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parent))

from lsp_client import Client

Start = Callable[..., Awaitable[Client]]


@pytest_asyncio.fixture
async def start() -> AsyncIterator[Start]:
    """Starts a server; afterwards checks that everything it sent was of the protocol."""
    clients: list[Client] = []

    async def begin(*options: str, **how: object) -> Client:
        client = await Client.start(*options, **how)  # type: ignore[arg-type]
        clients.append(client)
        return client

    yield begin
    for client in clients:
        await client.stop()
    for client in clients:
        assert client.problems == []


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small calls and constructions are kept as well."""
    monkeypatch.setattr("ane_lsp.interp.repeats.WORTH_IT", 0)
    monkeypatch.setattr("ane_lsp.interp.calls.WORTH_IT", 0)
