"""Clients as pytest-lsp knows them: one walk through the server with what each says it can do."""

from __future__ import annotations

import pytest_lsp
from lsp_client import command, environment
from lsprotocol import types as lsp
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

URI = "file:///ws/a%20b.py"
EXPECTED = {  # encoding, pull, lazy edits, documentChanges
    "visual-studio-code": ("utf-16", False, True, True),
    "neovim": ("utf-8", False, True, False),
    "neovim@0.7.0": ("utf-16", False, True, False),
    "neovim@0.10.0": ("utf-16", False, True, False),
    "emacs": ("utf-32", False, False, True),
}


@pytest_lsp.fixture(
    params=list(EXPECTED), config=ClientServerConfig(server_command=command(), server_env=environment())
)
async def client(request, lsp_client: LanguageClient):
    lsp_client.feature(lsp.CLIENT_REGISTER_CAPABILITY)(lambda params: None)  # pytest-lsp has no handler for it
    answer = await lsp_client.initialize_session(
        lsp.InitializeParams(capabilities=client_capabilities(request.param), workspace_folders=[])
    )
    lsp_client.profile, lsp_client.answer = request.param, answer.capabilities
    yield
    await lsp_client.shutdown_session()


async def test_a_walk_through_the_server(client: LanguageClient):
    encoding, pull, lazy, versioned = EXPECTED[client.profile]
    assert client.answer.position_encoding == encoding
    assert (client.answer.diagnostic_provider is not None) is pull
    document = lsp.TextDocumentIdentifier(URI)
    text = "é = '😀'; bad(1)\ny = tensor(4)\n"
    client.text_document_did_open(lsp.DidOpenTextDocumentParams(lsp.TextDocumentItem(URI, "python", 1, text)))
    await client.wait_for_notification(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
    (found,) = client.diagnostics[URI]
    start = {"utf-8": 13, "utf-16": 10, "utf-32": 9}[encoding]
    assert (found.range.start.character, found.code) == (start, "ANE302")
    context = lsp.CodeActionContext([found])
    actions = await client.text_document_code_action_async(lsp.CodeActionParams(document, found.range, context))
    action = next(a for a in actions if a.title == "Replace bad by good")
    assert (action.edit is None) is lazy
    if action.edit is None:
        action = await client.code_action_resolve_async(action)
    edits = action.edit.document_changes[0].edits if versioned else action.edit.changes[URI]
    assert (edits[0].new_text, edits[0].range.start.character) == ("good", start)
    hover = await client.text_document_hover_async(lsp.HoverParams(document, lsp.Position(1, 6)))
    assert "torch.nn.Conv2d" in hover.contents.value
    whole = lsp.Range(lsp.Position(0, 0), lsp.Position(9, 0))
    (hint,) = await client.text_document_inlay_hint_async(lsp.InlayHintParams(document, whole))
    assert hint.label == ": [1, 4] f32"
    change = lsp.TextDocumentContentChangeWholeDocument("1\n")
    identifier = lsp.VersionedTextDocumentIdentifier(2, URI)
    client.text_document_did_change(lsp.DidChangeTextDocumentParams(identifier, [change]))
    await client.wait_for_notification(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
    assert list(client.diagnostics[URI]) == []
