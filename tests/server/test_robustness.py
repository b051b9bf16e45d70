"""What a server must survive: an edit storm, a second server on the same workspace, its worker killed from outside."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import signal

import pytest
from lsp_client import ServerError
from lsp_profiles import LAZY_VERSIONED, PUSH, at, full, merge, span

URI = "file:///ws/model.py"
DOC = {"textDocument": {"uri": URI}}
POOL = """\
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.MaxPool2d(13, 1, 6)
    def forward(self, x):
        return self.pool(x)
Net()(torch.randn(1, 3, 64, 64))
"""
STORM_CODES = (-32800, -32801, -32802)  # cancelled by the client, modified meanwhile, cancelled by the server


async def test_an_edit_storm_with_requests_ends_in_the_last_text(start):
    client = await start()
    await client.initialize(merge(PUSH, LAZY_VERSIONED), folders=[])
    text = "# ANE: digest\nbad(1)\n# SLOW 0.05\n"
    client.open(URI, text)
    chance = random.Random(7)
    requests = []
    for version in range(2, 402):
        typed = chance.choice("xyz(\n")
        client.change(URI, version, {"range": span(1, 0, 0), "text": typed})
        lines = text.split("\n")
        lines[1] = typed + lines[1]
        text = "\n".join(lines)
        if version % 10 == 0:
            action = {**DOC, "range": full(), "context": {"diagnostics": [], "triggerKind": chance.choice((1, 2))}}
            requests.append(client.begin("textDocument/codeAction", action)[1])
            requests.append(client.begin("textDocument/hover", {**DOC, "position": at(1, 1)})[1])
            await asyncio.sleep(0.01)
    for answer in await asyncio.gather(*requests, return_exceptions=True):
        assert not isinstance(answer, BaseException) or (isinstance(answer, ServerError) and answer.code in STORM_CODES)
    items = await client.published(URI, 401, 60)
    assert hashlib.sha1(text.encode()).hexdigest() in {item["message"] for item in items}


async def test_two_servers_on_one_workspace_do_not_disturb_each_other(start, tmp_path):
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(POOL)
    clients = [await start(analyst=None) for _ in range(2)]
    for client in clients:
        await client.initialize(PUSH, folders=[tmp_path], options={"diagnosticMode": "workspace"})
    uris = [(tmp_path / name).as_uri() for name in ("a.py", "b.py")]
    for client in clients:
        for uri in uris:
            assert [d["code"] for d in await client.published(uri, timeout=60)] == ["ANE302"]
    clients[0].open(uris[0], POOL.replace("13, 1, 6", "3, 1, 1"))
    assert await clients[0].published(uris[0], 1, 60) == []
    await clients[0].shutdown()
    command = {"command": "ane-lsp.checkWorkspace"}
    assert await clients[1].request("workspace/executeCommand", command, 60) == {"files": 2, "findings": 2}


@pytest.mark.skipif(os.name == "nt", reason="signals")
async def test_a_worker_killed_during_an_analysis_costs_that_analysis_only(start):
    client = await start()
    await client.initialize(PUSH, folders=[])
    client.open(URI, "bad(1)\n")
    await client.published(URI, 1)
    client.change(URI, 2, {"text": "bad(1)\n# SLOW 30\n"})
    await asyncio.sleep(1)  # the analysis has begun by now: a worker killed before would just be replaced
    info = await client.request("workspace/executeCommand", {"command": "ane-lsp.debugInfo"})
    os.kill(info["worker"], signal.SIGKILL)
    items = await client.published(URI, 2)
    assert {item["code"] for item in items} == {"ANE302", "ANE901"}
    client.change(URI, 3, {"text": "bad(1); bad(2)\n"})
    assert [item["code"] for item in await client.published(URI, 3)] == ["ANE302", "ANE302"]
