"""Fixes end to end: the real analysis behind the real server, an edit applied as an editor would."""

from __future__ import annotations

from lsp_profiles import EAGER, LAZY_VERSIONED, PUSH, apply, merge

TEXT = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.MaxPool2d(9, stride=1, padding=4)  # "\u00e9\U0001f600"

    def forward(self, x, mask):
        scores = self.pool(x).masked_fill(mask, float("-inf"))
        return scores.softmax(-1)


if __name__ == "__main__":
    Net()(torch.randn(1, 8, 32, 32), torch.zeros(1, 1, 1, 32, dtype=torch.bool))
"""
POOL = "nn.Sequential(nn.MaxPool2d(5, stride=1, padding=2), nn.MaxPool2d(5, stride=1, padding=2))"


async def session(start, tmp_path, profile):
    path = tmp_path / "model.py"
    path.write_text(TEXT, encoding="utf-8")
    client = await start(analyst=None)
    await client.initialize(merge(PUSH, profile), folders=[])
    uri = path.as_uri()
    client.open(uri, TEXT)
    found = {d["code"]: d for d in await client.published(uri, 1)}

    async def actions(code, only=None):
        context = {"diagnostics": [], **({"only": only} if only else {})}
        given = {"textDocument": {"uri": uri}, "range": found[code]["range"], "context": context}
        return await client.request("textDocument/codeAction", given)

    return client, actions


async def test_a_fix_is_offered_resolved_and_applied(start, tmp_path):
    client, actions = await session(start, tmp_path, LAZY_VERSIONED)
    action = (await actions("ANE302"))[0]
    assert action["kind"] == "quickfix"
    assert action["isPreferred"]
    edit = (await client.request("codeAction/resolve", action))["edit"]["documentChanges"][0]
    assert apply(TEXT, edit["edits"]) == TEXT.replace("nn.MaxPool2d(9, stride=1, padding=4)", POOL)
    (everything,) = await actions("ANE302", ["source.fixAll.ane"])
    edit = (await client.request("codeAction/resolve", everything))["edit"]["documentChanges"][0]
    fixed = TEXT.replace("nn.MaxPool2d(9, stride=1, padding=4)", POOL).replace('float("-inf")', "-1e4")
    assert apply(TEXT, edit["edits"]) == fixed


async def test_a_client_that_wants_edits_at_once_gets_verified_ones(start, tmp_path):
    _, actions = await session(start, tmp_path, EAGER)
    action = next(a for a in await actions("ANE801") if a["title"].startswith("Mask"))
    (edits,) = action["edit"]["changes"].values()
    assert apply(TEXT, edits) == TEXT.replace('float("-inf")', "-1e4")
