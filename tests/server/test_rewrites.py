"""Actions that reach beyond a line: refactorings, a rule fixed in every file, a rule silenced in a file or a project."""

from __future__ import annotations

import pytest
from lsp_client import ServerError
from lsp_profiles import EAGER, LAZY_VERSIONED, PUSH, apply, merge

TEXT = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.up = nn.Linear(16, 32)
        self.down = nn.Linear(32, 16)
        self.pool = nn.MaxPool1d(9, stride=1, padding=4)

    def forward(self, x):
        steps = torch.arange(8)
        y = self.up(x) + steps[:, None]  # "\u00e9\U0001f600"
        return self.down(self.pool(y))


if __name__ == "__main__":
    Net()(torch.randn(1, 8, 16))
"""
ANNOTATED = merge(
    PUSH,
    LAZY_VERSIONED,
    {"workspace": {"workspaceEdit": {"changeAnnotationSupport": {}, "resourceOperations": ["create"]}}},
)


class Editor:
    """A server with files open in it."""

    def __init__(self, client, folder):
        self.client, self.folder = client, folder

    async def open(self, name, text=TEXT):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        self.client.open(path.as_uri(), text)
        await self.client.published(path.as_uri(), 1)
        return path.as_uri()

    async def actions(self, uri, line, only=None, col=8, trigger=1):
        place = {"line": line - 1, "character": col}
        context = {"diagnostics": [], "triggerKind": trigger, **({"only": only} if only else {})}
        given = {"textDocument": {"uri": uri}, "range": {"start": place, "end": place}, "context": context}
        return await self.client.request("textDocument/codeAction", given)

    async def resolve(self, action):
        return (await self.client.request("codeAction/resolve", action))["edit"]


async def editor(start, tmp_path, profile=ANNOTATED, folders=()):
    client = await start(analyst=None)
    await client.initialize(profile, folders=[tmp_path, *folders])
    return Editor(client, tmp_path)


def line_of(needle, text=TEXT):
    return next(i for i, line in enumerate(text.split("\n"), 1) if needle in line)


async def test_refactorings_are_offered_resolved_and_annotated(start, tmp_path):
    ed = await editor(start, tmp_path)
    uri = await ed.open("net.py")
    found = {a["data"]["name"]: a for a in await ed.actions(uri, line_of("steps = "), ["refactor.rewrite"], 16)}
    assert set(found) == {"ane-layout", "split-model", "hoist-table"}
    assert {a["kind"] for a in found.values()} == {"refactor.rewrite"}
    assert all("edit" not in a for a in found.values())
    edit = await ed.resolve(found["hoist-table"])
    (change,) = edit["documentChanges"]
    assert change["textDocument"] == {"uri": uri, "version": 1}
    after = apply(TEXT, change["edits"])
    assert 'self.register_buffer("steps", torch.arange(8), persistent=False)' in after
    assert 'y = self.up(x) + self.steps[:, None]  # "\u00e9\U0001f600"' in after
    (annotation,) = edit["changeAnnotations"].values()
    assert annotation["needsConfirmation"]
    assert {e["annotationId"] for e in change["edits"]} == set(edit["changeAnnotations"])


async def test_an_editor_that_asks_by_itself_gets_no_refactorings(start, tmp_path):
    ed = await editor(start, tmp_path)
    uri = await ed.open("net.py")
    listed = await ed.actions(uri, line_of("steps = "), trigger=2)
    assert not [a for a in listed if a["kind"].startswith("refactor")]
    assert [a for a in await ed.actions(uri, line_of("steps = "), trigger=1) if a["kind"].startswith("refactor")]


async def test_a_refusal_and_a_changed_text_say_why(start, tmp_path):
    ed = await editor(start, tmp_path)
    text = TEXT.replace("return self.down(", "self.up.weight.data\n        return self.down(").replace(
        "self.down(self.pool", "F(self.down)(self.pool"
    )
    uri = await ed.open("net.py", text)
    (action,) = [a for a in await ed.actions(uri, 5, ["refactor"]) if a["data"]["name"] == "ane-layout"]
    with pytest.raises(ServerError, match=r"ane-layout refused: .*uses self\.up other than by calling"):
        await ed.resolve(action)
    ed.client.change(uri, 2, {"text": "# new\n" + text})
    with pytest.raises(ServerError, match="has changed"):
        await ed.resolve(action)


async def test_a_rule_is_fixed_in_every_file(start, tmp_path):
    ed = await editor(start, tmp_path)
    first, second = await ed.open("a.py"), await ed.open("b.py", "# other\n" + TEXT)
    await ed.open("c.py", TEXT.replace("9, stride=1, padding=4", "3, stride=1, padding=1"))
    at = line_of("self.pool(y)")
    action = next(a for a in await ed.actions(first, at, col=25) if a["title"].endswith("in the workspace"))
    assert action["title"] == "Fix all ANE302 (max-pool-window) in the workspace"
    edit = await ed.resolve(action)
    assert [c["textDocument"]["uri"] for c in edit["documentChanges"]] == [first, second]
    for change, text in zip(edit["documentChanges"], (TEXT, "# other\n" + TEXT), strict=True):
        after = apply(text, change["edits"])
        assert after.count("nn.Sequential(nn.MaxPool1d(5, stride=1, padding=2)") == 1
    (annotation,) = edit["changeAnnotations"].values()
    assert annotation["description"] == "Safe fixes of ane-lsp in 2 files"


async def test_a_rule_is_silenced_in_the_file(start, tmp_path):
    ed = await editor(start, tmp_path)
    text = "#!/usr/bin/env python\n# ane: ignore-file[ANE101]\n" + TEXT
    for name, before, line in (("a.py", TEXT, "# ane: ignore-file[ANE302]\n"), ("b.py", text, None)):
        uri = await ed.open(name, before)
        listed = await ed.actions(uri, line_of("self.pool(y)", before), col=25)
        action = next(a for a in listed if a["title"].endswith("in this file") and a["title"].startswith("Ignore"))
        after = apply(before, (await ed.resolve(action))["documentChanges"][0]["edits"])
        assert after == (line + before if line else before.replace("[ANE101]", "[ANE101, ANE302]"))
        ed.client.change(uri, 2, {"text": after})
        assert "ANE302" not in {d["code"] for d in await ed.client.published(uri, 2)}


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("pyproject.toml", '[tool.ane-lsp]\nignore = ["ANE4"]  # why\n', '[tool.ane-lsp]\nignore = ["ANE302", "ANE4"]  # why\n'),
        (
            "pyproject.toml",
            '[project]\nname = "x"\n\n[tool.ane-lsp]\ntargets = ["M4"]\n',
            '[project]\nname = "x"\n\n[tool.ane-lsp]\nignore = ["ANE302"]\ntargets = ["M4"]\n',
        ),
        ("ane-lsp.toml", 'targets = ["M4"]\n', 'ignore = ["ANE302"]\ntargets = ["M4"]\n'),
        ("ane-lsp.toml", "ignore = []\n", 'ignore = ["ANE302"]\n'),
    ],
)  # fmt: skip
async def test_a_rule_is_ignored_in_the_project(name, before, after, start, tmp_path):
    (tmp_path / name).write_text(before)
    ed = await editor(start, tmp_path)
    uri = await ed.open("net.py")
    listed = await ed.actions(uri, line_of("self.pool(y)"), col=25)
    edit = await ed.resolve(next(a for a in listed if a["title"] == "Ignore ANE302 (max-pool-window) in this project"))
    (change,) = edit["documentChanges"]
    assert change["textDocument"] == {"uri": (tmp_path / name).as_uri(), "version": None}
    assert apply(before, change["edits"]) == after


async def test_a_project_without_settings_gets_some(start, tmp_path):
    ed = await editor(start, tmp_path)
    uri = await ed.open("net.py")
    listed = await ed.actions(uri, line_of("self.pool(y)"), col=25)
    edit = await ed.resolve(next(a for a in listed if a["title"] == "Ignore ANE302 (max-pool-window) in this project"))
    made, filled = edit["documentChanges"]
    assert (made["kind"], made["uri"]) == ("create", (tmp_path / "ane-lsp.toml").as_uri())
    assert [e["newText"] for e in filled["edits"]] == ['ignore = ["ANE302"]\n']


async def test_clients_that_resolve_nothing_get_commands(start, tmp_path):
    profile = merge(PUSH, EAGER, {"workspace": {"applyEdit": True}})
    ed = await editor(start, tmp_path, profile)
    uri = await ed.open("net.py")
    action = next(a for a in await ed.actions(uri, line_of("steps = "), ["refactor"], 16) if "table" in a["title"])
    assert "kind" not in action
    seen = []
    ed.client.answers["workspace/applyEdit"] = lambda params: seen.append(params["edit"]) or {"applied": True}
    given = {"command": action["command"], "arguments": action["arguments"]}
    assert await ed.client.request("workspace/executeCommand", given)
    (edits,) = seen[0]["changes"].values()
    assert "self.steps" in apply(TEXT, edits)
