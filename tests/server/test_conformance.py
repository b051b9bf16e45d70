"""Long random sessions: whatever a valid client does, texts agree, nothing stale is shown, no request fails.

The stand-in analysis answers with a digest of the text it saw, so each published version is compared with the text the
client had at that version. ``ANE_LSP_CONFORMANCE_STEPS`` sets the number of steps of each session.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import re

import pytest
from lsp_client import Client, ServerError
from lsp_profiles import LAZY_VERSIONED, PULL, PUSH, encoding, merge

STEPS = int(os.environ.get("ANE_LSP_CONFORMANCE_STEPS", "250"))
MARK = "# ANE: digest"
BITS = [
    "a", "x = tensor(3)", "bad(1)", "class N: pass", "risky(2)", "\t", "é", "漢字", "😀", "👩‍👩‍👧", "\ud83d", "\n", "\r\n", "\r",
    "\f", "\v", "\u2028", "\u2029", "\x85", "\x1c", "(", ")", "'", '"""', "#", "\\", "# ane: ignore[ANE302]", "\0", "  ", "ﬁ\u0301",
]  # fmt: skip
ALLOWED = {-32800, -32801, -32802}  # cancelled, modified, superseded: all of them answers a client expects


def length(text: str, units: str) -> int:
    if units == "utf-32":
        return len(text)
    return len(text.encode("utf-16-le" if units == "utf-16" else "utf-8", "surrogatepass")) // (
        2 if units == "utf-16" else 1
    )


def sha(text: str) -> str:
    return hashlib.sha1(text.encode("utf-8", "surrogatepass")).hexdigest()


class Model:
    """A client's document, by the book: three kinds of line ends, columns in the agreed units."""

    def __init__(self, uri: str, text: str, units: str) -> None:
        self.uri, self.text, self.units, self.version = uri, text, units, 1
        self.history: list[str] = []
        self.seen = {1: text}

    def place(self, offset: int) -> dict[str, int]:
        ends = [m.end() for m in re.finditer("\r\n|\r|\n", self.text) if m.end() <= offset]
        start = ends[-1] if ends else 0
        return {"line": len(ends), "character": length(self.text[start:offset], self.units)}

    def offset(self, random: random.Random) -> int:
        while True:
            offset = random.randint(0, len(self.text))
            if not (0 < offset < len(self.text) and self.text[offset - 1 : offset + 1] == "\r\n"):
                # Two lone halves side by side are one character to a client that counts UTF-16.
                pair = self.text[offset - 1 : offset + 1] if 0 < offset < len(self.text) else ""
                if not (len(pair) == 2 and "\ud800" <= pair[0] < "\udc00" <= pair[1] < "\ue000"):
                    return offset

    def replace(self, text: str) -> None:
        self.history.append(self.text)
        self.text = text


class Session:
    def __init__(self, client: Client, units: str, seed: int) -> None:
        self.client, self.units, self.random = client, units, random.Random(seed)
        self.documents: dict[str, Model] = {}
        self.closed: list[Model] = []
        self.pending: list[tuple[int, asyncio.Future]] = []
        self.count = 0
        self.compared = 0
        self.stale: list[str] = []
        client.on_diagnostics = self.check

    def check(self, params: dict) -> None:
        version = params.get("version")
        digests = [item["message"] for item in params["diagnostics"] if item.get("code") == "budget"]
        if version is None or not digests:
            return
        # A reopened document counts its versions anew; what was on the wire then belongs to the former one.
        models = [m for m in (*self.documents.values(), *self.closed) if m.uri == params["uri"] and version in m.seen]
        self.compared += 1
        if not any(digests == [sha(m.seen[version])] for m in models):
            self.stale.append(f"{params['uri']} version {version}")

    def open(self, uri: str | None = None) -> None:
        self.count += 1
        uri = uri or f"file:///ws/m%20{self.count}.py"
        text = MARK + "\n" + "".join(self.random.choices(BITS, k=self.random.randint(0, 12)))
        self.documents[uri] = Model(uri, text, self.units)
        self.client.open(uri, text)

    def edit(self, model: Model) -> None:
        changes = []
        for _ in range(self.random.choice([1, 1, 1, 2, 3])):
            kind = self.random.random()
            if kind < 0.1:
                model.replace(MARK + "\n" + "".join(self.random.choices(BITS, k=self.random.randint(0, 20))))
                changes.append({"text": model.text})
                continue
            start, end = sorted((model.offset(self.random), model.offset(self.random)))
            if kind < 0.6:
                end = start
            new = "".join(self.random.choices(BITS, k=self.random.randint(0, 4)))
            changes.append({"range": {"start": model.place(start), "end": model.place(end)}, "text": new})
            model.replace(model.text[:start] + new + model.text[end:])
        self.send(model, changes)

    def undo(self, model: Model) -> None:
        if model.history:
            model.text = model.history.pop()
            self.send(model, [{"text": model.text}])

    def send(self, model: Model, changes: list[dict]) -> None:
        model.version += 1
        model.seen[model.version] = model.text
        self.client.change(model.uri, model.version, *changes)

    def close(self, model: Model) -> Model:
        del self.documents[model.uri]
        self.closed.append(model)
        self.client.close(model.uri)
        return model

    def ask(self, model: Model) -> None:
        doc = {"textDocument": {"uri": model.uri}}
        place = model.place(model.offset(self.random))
        whole = {"start": {"line": 0, "character": 0}, "end": place}
        lens = {"uri": model.uri, "index": 0, "model": "Net", "target": "M4", "numbers": "numbers"}
        method, params = self.random.choice([
            ("textDocument/hover", {**doc, "position": place}),
            ("textDocument/codeAction", {**doc, "range": whole, "context": {"diagnostics": []}}),
            ("textDocument/codeAction", {**doc, "range": whole, "context": {"diagnostics": [], "triggerKind": 2}}),
            ("textDocument/inlayHint", {**doc, "range": whole}),
            ("textDocument/codeLens", doc),
            ("codeLens/resolve", {"range": whole, "data": lens}),
            ("textDocument/documentLink", doc),
            ("textDocument/completion", {**doc, "position": place}),
            ("textDocument/diagnostic", doc),
        ])  # fmt: skip
        self.pending.append(self.client.begin(method, params))

    def step(self) -> None:
        model = self.random.choice(list(self.documents.values()))
        action = self.random.choices(
            ["edit", "undo", "ask", "cancel", "close", "reopen", "rename", "open", "save", "settings"],
            [40, 8, 25, 6, 2, 2, 2, 3, 3, 1],
        )[0]
        if action in ("edit", "undo", "ask"):
            getattr(self, action)(model)
        elif action == "cancel" and self.pending:
            self.client.notify("$/cancelRequest", {"id": self.random.choice(self.pending)[0]})
        elif action == "close" and len(self.documents) > 1:
            self.close(model)
        elif action == "reopen":
            self.close(model)
            self.open(model.uri)
        elif action == "rename":
            self.close(model)
            new = f"file:///ws/r%C3%A9{self.count}.py"
            self.open(new)
            self.client.notify("workspace/didRenameFiles", {"files": [{"oldUri": model.uri, "newUri": new}]})
        elif action == "open" and len(self.documents) < 6:
            self.open()
        elif action == "save":
            self.client.notify("textDocument/didSave", {"textDocument": {"uri": model.uri}})
        elif action == "settings":
            self.client.notify(
                "workspace/didChangeConfiguration", {"settings": {"inlayHints": self.random.choice(["all", "off"])}}
            )

    async def settle(self) -> None:
        for _, future in self.pending:
            (answer,) = await asyncio.gather(asyncio.wait_for(future, 60), return_exceptions=True)
            assert not isinstance(answer, Exception) or (isinstance(answer, ServerError) and answer.code in ALLOWED), (
                answer
            )
        self.pending.clear()


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("units", "pull"), [("utf-8", False), ("utf-16", True), ("utf-32", False)])
async def test_random_sessions(start, units, pull):
    client = await start("--in-process" if units == "utf-32" else "--stdio")
    await client.initialize(merge(PULL if pull else PUSH, LAZY_VERSIONED, encoding(units)), folders=[])
    session = Session(client, units, seed=STEPS)
    session.open()
    step = 0
    # On a busy machine most versions are typed over before they are analysed: go on until enough were compared.
    while step < STEPS or (not pull and session.compared <= STEPS / 50 and step < 20 * STEPS):
        session.step()
        if step % 20 == 0:
            await asyncio.sleep(0)
        if step % 50 == 49:
            await session.settle()
            if step >= STEPS:
                await asyncio.sleep(0.2)
        step += 1
    await session.settle()
    for model in session.documents.values():
        if pull:
            report = await client.request("textDocument/diagnostic", {"textDocument": {"uri": model.uri}})
            found = report["items"]
        else:
            found = await client.published(model.uri, model.version)
        if MARK in model.text:
            assert [item["message"] for item in found if item["code"] == "budget"] == [sha(model.text)]
    assert session.stale == []
    assert pull or session.compared > STEPS / 50
    assert await client.shutdown() == 0
    assert b"Traceback" not in client.stderr, client.stderr.partition(b"Traceback")[2][:4000].decode()
