"""What language servers declare: ``python -m benchmarks.servers.features --server NAME=COMMAND... [--save]``.

Each server is started and told of a client that can do everything; what it answers to ``initialize`` and what it registers
afterwards is the table. ``--save`` writes the table into docs/language-server.md. Where a server does something without
declaring it, the table cannot know.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.servers.__main__ import OWN, Server

PAGE = Path(__file__).resolve().parents[2] / "docs" / "language-server.md"
BEGIN, END = "<!-- features: begin -->", "<!-- features: end -->"
SETTLE = 3.0  # seconds a server gets, once it answers requests, for what it registers
DYNAMIC = {"dynamicRegistration": True}
CAPABILITIES: dict[str, Any] = {
    "general": {"positionEncodings": ["utf-32", "utf-8", "utf-16"]},
    "window": {"workDoneProgress": True, "showDocument": {"support": True}},
    "workspace": {
        "applyEdit": True, "configuration": True, "workspaceFolders": True, "didChangeConfiguration": DYNAMIC,
        "didChangeWatchedFiles": DYNAMIC, "executeCommand": DYNAMIC, "diagnostics": {"refreshSupport": True},
        "inlayHint": {"refreshSupport": True}, "codeLens": {"refreshSupport": True}, "symbol": DYNAMIC,
        "workspaceEdit": {"documentChanges": True}, "fileOperations": {**DYNAMIC, "didRename": True, "willRename": True},
    },
    "notebookDocument": {"synchronization": DYNAMIC},
    "textDocument": {
        "publishDiagnostics": {"versionSupport": True, "relatedInformation": True, "codeDescriptionSupport": True},
        "diagnostic": {**DYNAMIC, "relatedDocumentSupport": True},
        "codeAction": {
            **DYNAMIC, "dataSupport": True, "resolveSupport": {"properties": ["edit"]},
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["", "quickfix", "refactor", "source", "source.fixAll"]}},
        },
        "inlayHint": {**DYNAMIC, "resolveSupport": {"properties": ["tooltip"]}},
        **dict.fromkeys(("hover", "codeLens", "documentLink", "completion", "definition", "references", "rename", "formatting", "documentSymbol", "signatureHelp", "foldingRange", "callHierarchy"), DYNAMIC),
    },
}  # fmt: skip
Answer = dict[str, Any]


class Listener(Server):
    """A server whose registrations are kept."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.registered: dict[str, Any] = {}
        super().__init__(process)

    def on_request(self, message: dict[str, Any]) -> None:
        if message["method"] == "client/registerCapability":
            for each in message["params"]["registrations"]:
                self.registered[each["method"]] = each.get("registerOptions") or {}


async def ask(command: str) -> Answer:
    """What a server declares: its capabilities, `registered` by method, and `serverInfo`."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.py").write_text("import os\n")
        root = Path(folder).as_uri()
        server = await Listener.start(command)
        try:
            params = {"processId": os.getpid(), "rootUri": root, "capabilities": CAPABILITIES,
                      "workspaceFolders": [{"uri": root, "name": "ws"}]}  # fmt: skip
            answer = (await server.request("initialize", params))["result"]
            server.notify("initialized", {})
            item = {"uri": root + "/a.py", "languageId": "python", "version": 1, "text": "import os\n"}
            server.notify("textDocument/didOpen", {"textDocument": item})
            place = {"textDocument": {"uri": item["uri"]}, "position": {"line": 0, "character": 8}}
            await server.request("textDocument/hover", place)
            await asyncio.sleep(SETTLE)
            return {
                **answer["capabilities"],
                "registered": server.registered,
                "serverInfo": answer.get("serverInfo") or {},
            }
        finally:
            await server.stop()


def has(name: str, method: str, *inside: str) -> Callable[[Answer], str]:
    """Yes where a capability, or a registration of its method, is there; `inside`: members that are named if true."""

    def cell(answer: Answer) -> str:
        found = answer.get(name)
        if not found and found != {}:
            found = answer["registered"].get(method)
        if found is None or found is False:
            return "no"
        extra = [part for part in inside if isinstance(found, dict) and found.get(part)]
        return "yes" + (f" ({', '.join(map(_words, extra))})" if extra else "")

    return cell


def _words(name: str) -> str:
    return {
        "resolveProvider": "resolve",
        "workspaceDiagnostics": "whole workspace",
        "interFileDependencies": "between files",
    }.get(name, name)


def kinds(answer: Answer) -> str:
    """The kinds of code actions."""
    found = answer.get("codeActionProvider") or answer["registered"].get("textDocument/codeAction")
    if not found:
        return "no"
    named = found.get("codeActionKinds") if isinstance(found, dict) else None
    resolve = ", resolve" if isinstance(found, dict) and found.get("resolveProvider") else ""
    return ("`" + "`, `".join(sorted(named)) + "`" if named else "yes") + resolve


def encoding(answer: Answer) -> str:
    """What a server chose when all three were offered, the rarest first."""
    return str(answer.get("positionEncoding", "utf-16, as nothing was said"))


def commands(answer: Answer) -> str:
    found = answer.get("executeCommandProvider") or answer["registered"].get("workspace/executeCommand")
    return str(len(found.get("commands") or [])) if found else "no"


def folders(answer: Answer) -> str:
    found = (answer.get("workspace") or {}).get("workspaceFolders") or {}
    return "yes" if found.get("supported") else "no"


def files(answer: Answer) -> str:
    """File renames and the like, and watched files."""
    named = sorted((answer.get("workspace") or {}).get("fileOperations") or {})
    watched = ["watched"] if "workspace/didChangeWatchedFiles" in answer["registered"] else []
    return ", ".join([*watched, *named]) or "no"


def sync(answer: Answer) -> str:
    found = answer.get("textDocumentSync")
    change = found.get("change") if isinstance(found, dict) else found
    return {0: "none", 1: "whole text", 2: "incremental"}.get(change or 0, "?")


ROWS: list[tuple[str, Callable[[Answer], str]]] = [
    ("text changes", sync),
    ("column units, all three offered", encoding),
    ("pulled diagnostics", has("diagnosticProvider", "textDocument/diagnostic", "workspaceDiagnostics", "interFileDependencies")),
    ("code actions", kinds),
    ("hover", has("hoverProvider", "textDocument/hover")),
    ("inlay hints", has("inlayHintProvider", "textDocument/inlayHint", "resolveProvider")),
    ("code lenses", has("codeLensProvider", "textDocument/codeLens", "resolveProvider")),
    ("document links", has("documentLinkProvider", "textDocument/documentLink")),
    ("completion", has("completionProvider", "textDocument/completion")),
    ("commands", commands),
    ("notebooks", has("notebookDocumentSync", "notebookDocument/sync")),
    ("several folders", folders),
    ("files", files),
    ("configuration registered", lambda answer: "yes" if "workspace/didChangeConfiguration" in answer["registered"] else "no"),
    ("definition, references", has("definitionProvider", "textDocument/definition")),
    ("rename", has("renameProvider", "textDocument/rename")),
    ("formatting", has("documentFormattingProvider", "textDocument/formatting")),
    ("document symbols", has("documentSymbolProvider", "textDocument/documentSymbol")),
    ("signature help", has("signatureHelpProvider", "textDocument/signatureHelp")),
    ("semantic tokens", has("semanticTokensProvider", "textDocument/semanticTokens")),
]  # fmt: skip


def table(answers: dict[str, Answer]) -> str:
    """Markdown: a column for each server."""

    def head(name: str, answer: Answer) -> str:
        version = str(answer["serverInfo"].get("version") or "")
        return f"{name} {version.removeprefix('v')}".strip()

    lines = [
        "| declared | " + " | ".join(head(n, a) for n, a in answers.items()) + " |",
        "|---" * (len(answers) + 1) + "|",
    ]
    lines += [f"| {name} | " + " | ".join(cell(answer) for answer in answers.values()) + " |" for name, cell in ROWS]
    return "\n".join(lines)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--save", action="store_true", help="write the table into docs/language-server.md")
    parser.add_argument("--json", action="store_true", help="print the whole answers")
    options = parser.parse_args()
    answers = {}
    for name, _, command in (each.partition("=") for each in [f"ane-lsp={OWN}", *options.server]):
        answers[name] = await ask(command)
    print(json.dumps(answers, indent=1) if options.json else table(answers))
    if options.save:
        text = PAGE.read_text(encoding="utf-8")
        made = f"{BEGIN}\n{table(answers)}\n{END}"
        text, found = re.subn(f"{BEGIN}.*{END}", lambda _: made, text, flags=re.DOTALL)
        if found != 1:
            raise SystemExit(f"{PAGE}: no place for the table")
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
