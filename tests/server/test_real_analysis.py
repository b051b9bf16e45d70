"""The server with the real analysis: an editor sees what the command line says, and nothing of the user's is run."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path

from lsp_client import ROOT, Client, environment
from lsp_profiles import LAZY_VERSIONED, PUSH, at, full, merge

from ane_lsp.server.launch import serve_command

EXAMPLES = ROOT / "examples"
POOL = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3, padding=1)
        self.pool = nn.MaxPool2d(13, 1, 6)

    def forward(self, x):
        x = self.conv(x)
        return self.pool(x)


if __name__ == "__main__":
    Net()(torch.randn(1, 3, 64, 64))
"""


async def test_an_editor_sees_what_the_command_line_says(start, tmp_path):
    files = sorted(EXAMPLES.glob("*.py"))
    assert files
    for file in files:
        shutil.copy(file, tmp_path)
    arguments = [sys.executable, "-m", "ane_lsp", "check", "--format", "json", str(tmp_path)]
    done = subprocess.run(arguments, capture_output=True, text=True, env=environment(), cwd=tmp_path)
    said = json.loads(done.stdout)
    expected = {
        (file.name, f["code"], f["line"]) for file in files for f in said["findings"] if f["file"].endswith(file.name)
    }
    assert expected, done.stderr
    client = await start(analyst=None)
    await client.initialize(merge(PUSH, LAZY_VERSIONED), folders=[tmp_path])
    seen = set()
    for file in files:
        uri = (tmp_path / file.name).as_uri()
        client.open(uri, file.read_text(encoding="utf-8"))
        seen |= {
            (file.name, item["code"], item["range"]["start"]["line"] + 1) for item in await client.published(uri, 1, 60)
        }
    assert seen == expected


async def test_shapes_verdicts_and_numbers_of_a_real_model(start, tmp_path):
    path = tmp_path / "net.py"
    uri, doc = path.as_uri(), {"textDocument": {"uri": path.as_uri()}}
    client = await start(analyst=None)
    await client.initialize(merge(PUSH, LAZY_VERSIONED), folders=[tmp_path])
    client.open(uri, POOL)
    items = await client.published(uri, 1, 60)
    (pool,) = [item for item in items if item["code"] == "ANE302"]
    assert POOL.split("\n")[pool["range"]["start"]["line"]].strip() in (
        "return self.pool(x)",
        "self.pool = nn.MaxPool2d(13, 1, 6)",
    )
    hints = await client.request("textDocument/inlayHint", {**doc, "range": full()})
    assert [(hint["position"]["line"], hint["label"]) for hint in hints if hint["position"]["line"] == 11] == [
        (11, ": [1, 16, 64, 64] f32")
    ]
    # The arguments of forward too: behind a name, and behind an annotation.
    heads = [(hint["label"], hint["paddingLeft"]) for hint in hints if hint["position"]["line"] == 10]
    assert heads == [(": [1, 3, 64, 64] f32", False)]
    client.change(uri, 2, {"text": POOL.replace("def forward(self, x)", "def forward(self, x: torch.Tensor)")})
    await client.published(uri, 2, 60)
    hints = await client.request("textDocument/inlayHint", {**doc, "range": full()})
    heads = [(h["label"], h["paddingLeft"], h["position"]["character"]) for h in hints if h["position"]["line"] == 10]
    assert heads == [("[1, 3, 64, 64] f32", True, len("    def forward(self, x: torch.Tensor"))]
    client.change(uri, 3, {"text": POOL})
    await client.published(uri, 3, 60)
    call = await client.request("textDocument/hover", {**doc, "position": at(11, 16)})
    assert "`[1, 3, 64, 64] f32` → `[1, 16, 64, 64] f32`" in call["contents"]["value"]
    built = await client.request("textDocument/hover", {**doc, "position": at(8, 26)})
    assert "torch.nn.MaxPool2d" in built["contents"]["value"]
    assert "does not run on the ANE" in built["contents"]["value"]
    (lens, *_) = await client.request("textDocument/codeLens", doc)
    assert lens["range"]["start"]["line"] == 4
    lens = await client.request("codeLens/resolve", lens)
    assert "(predicted)" in lens["command"]["title"]
    assert "is predicted to run on the CPU of M4" in built["contents"]["value"]
    made = await client.request("workspace/executeCommand", {"command": "ane-lsp.report", "arguments": [{"uri": uri}]})
    page = Path(made["path"]).read_text()
    assert "Content-Security-Policy" in page
    assert "(predicted)" in page
    # Half-typed code keeps the finding; a settings file silences it without a restart.
    client.change(uri, 4, {"range": {"start": at(0, 0), "end": at(0, 0)}, "text": "def f(\n"})
    items = await client.published(uri, 4, 60)
    assert [item["range"]["start"]["line"] for item in items if item["code"] == "ANE302"] == [
        pool["range"]["start"]["line"] + 1
    ]
    assert "syntax" in [item["code"] for item in items]
    client.change(uri, 5, {"text": POOL})
    await client.published(uri, 5, 60)
    settings = tmp_path / "ane-lsp.toml"
    settings.write_text('ignore = ["ANE302"]\nnonsense = 1\n')
    client.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": settings.as_uri(), "type": 1}]})
    await client.until(lambda: "ANE302" not in [i["code"] for i in client.diagnostics[uri]["diagnostics"]], 60)
    found = await client.published(settings.as_uri(), timeout=60)
    assert [(item["range"]["start"]["line"], item["code"]) for item in found] == [(1, "ANE904")]


async def test_silencing_a_finding_silences_it(start, tmp_path):
    path = tmp_path / "net.py"
    uri, doc = path.as_uri(), {"textDocument": {"uri": path.as_uri()}}
    client = await start(analyst=None)
    await client.initialize(merge(PUSH, LAZY_VERSIONED), folders=[tmp_path])
    client.open(uri, POOL)
    items = await client.published(uri, 1, 60)
    (pool,) = [item for item in items if item["code"] == "ANE302"]
    found = await client.request(
        "textDocument/codeAction", {**doc, "range": pool["range"], "context": {"diagnostics": []}}
    )
    (silence,) = [action for action in found if action["title"].endswith("on this line")]
    edit = (await client.request("codeAction/resolve", silence))["edit"]["documentChanges"][0]["edits"][0]
    client.change(uri, 2, {"range": edit["range"], "text": edit["newText"]})
    assert "ANE302" not in [item["code"] for item in await client.published(uri, 2, 60)]


async def test_nothing_of_the_users_is_run(tmp_path):
    trap = tmp_path / "was-run"
    spring = f"open({str(trap)!r}, 'w').close()\n"
    (tmp_path / "helper.py").write_text(spring + "SIZE = 3\n")
    for name in (
        "sitecustomize",
        "usercustomize",
        "torch",
        "conftest",
        "asyncio",
        "lsprotocol",
        "pygls",
        "pickle",
        "ast",
    ):
        (tmp_path / f"{name}.py").write_text(spring)  # the server runs in the workspace's folder, as editors start it
    path = tmp_path / "net.py"
    text = spring + "import helper\n" + POOL.replace("13", "helper.SIZE")
    path.write_text(text)
    process = await asyncio.create_subprocess_exec(
        *serve_command(), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**environment(), "PYTHONPATH": str(ROOT)}, cwd=tmp_path, limit=1 << 26,
    )  # fmt: skip
    client = Client(process)
    await client.initialize(options={"diagnosticMode": "workspace"}, folders=[tmp_path])
    client.open(path.as_uri(), text)
    await client.published(path.as_uri(), 1, 60)
    await client.request("workspace/executeCommand", {"command": "ane-lsp.checkWorkspace"}, 60)
    assert await client.shutdown() == 0
    assert not trap.exists()
    assert client.problems == []
