"""Blocks moved to (batch, channels, 1, length): the same numbers, old weights load, or a reason why not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from prove import HEAD, analyser, build, given, settings

from ane_lsp.fixes.refactorings import refactor
from ane_lsp.fixes.tree import Refused
from ane_lsp.syntax.source import decode_source


def rewritten(text: str, name: str, needle: str, folder: Path) -> str:
    """The text after a refactoring asked for at the line that holds `needle`."""
    path = folder / "model.py"
    path.write_text(text, encoding="utf-8")
    run = analyser(path, settings())
    line = next(i for i, content in enumerate(text.split("\n"), 1) if needle in content)
    result = run(text)
    assert result.models
    return refactor(decode_source(path, text.encode()), result, name, run, line)[1]


def same(before: str, after: str) -> None:
    """Both models, on the weights of the first, give the same; the first's state dict loads into the second."""
    first, second = build(before), build(after)
    state = first.state_dict()
    assert list(state) == list(second.state_dict())
    second.load_state_dict(state)
    again = build(after)
    again.load_state_dict(second.state_dict())
    for seed in range(3):
        for dtype in (torch.float32, torch.float64, torch.float16):
            inputs = [v.to(dtype) if v.is_floating_point() else v for v in given(before, seed)]
            with torch.no_grad():
                a, b, c = (net.to(dtype)(*inputs) for net in (first, second, again))
            assert torch.equal(b, c)
            assert a.shape == b.shape
            assert a.dtype == b.dtype
            if dtype == torch.float16:
                assert (a - b).abs().max() <= 16 * 2**-10 * a.abs().max().clamp(min=1.0)
            else:
                torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


def net(block: str, call: str = "Block()", inputs: str = "torch.randn(2, 8, 32)") -> str:
    return (
        f"{HEAD}{block}\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        f"        self.a = {call}\n        self.b = {call}\n\n    def forward(self, x):\n        return self.b(self.a(x))\n\n\n"
        f'if __name__ == "__main__":\n    Net()({inputs})\n'
    )


MLP = """class Block(nn.Module):
    def __init__(self, dim=32, hidden=64, p=0.1):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.fc1 = nn.Linear(dim, hidden, bias=False)
        self.act = nn.GELU()
        self.mid = nn.LayerNorm(hidden)
        self.fc2 = nn.Linear( hidden, dim )  # back
        self.drop = nn.Dropout(p)
        self.gamma = nn.Parameter(0.1 * torch.ones(dim))

    def forward(self, x):
        y = self.norm(x)
        y = self.act(self.fc1(y))   # widen
        y = self.mid( y )
        y = self.gamma * self.drop(self.fc2(y))
        return x + y
"""
GATED = """class Block(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.gate_proj = nn.Linear(dim, 48, bias=False)
        self.up_proj = nn.Linear(dim, 48, bias=False)
        self.down_proj = nn.Linear(48, dim, bias=False)
        self.norm = nn.RMSNorm(48, eps=1e-5)
        self.act_fn = nn.SiLU()

    def forward(self, x):
        return self.down_proj(self.norm(self.act_fn(self.gate_proj(x)) * self.up_proj(x)))
"""
SEQUENTIAL = """class Block(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.net = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 64), nn.GELU(), nn.Dropout(0.1), nn.Linear(64, dim))

    def forward(self, x):
        return self.net(x) + x
"""
NANOGPT = """class Block(nn.Module):
    def __init__(self, flash=True, n_embd=32, n_head=4, size=16, dropout=0.1):
        super().__init__()
        assert n_embd % n_head == 0
        # key, query, value projections for all heads, but in a batch
        self.c_attn = nn.Linear(n_embd, 3 * n_embd)
        # output projection
        self.c_proj = nn.Linear(n_embd, n_embd, bias=False)
        self.attn_dropout = nn.Dropout(dropout)
        self.resid_dropout = nn.Dropout(dropout)
        self.n_head = n_head
        self.n_embd = n_embd
        self.dropout = dropout
        self.flash = flash
        self.register_buffer("bias", torch.tril(torch.ones(size, size)).view(1, 1, size, size))

    def forward(self, x):
        B, T, C = x.size() # batch size, sequence length, embedding dimensionality (n_embd)

        # calculate query, key, values for all heads in batch and move head forward to be the batch dim
        q, k, v  = self.c_attn(x).split(self.n_embd, dim=2)
        k = k.view(B, T, self.n_head, C // self.n_head).transpose(1, 2) # (B, nh, T, hs)
        q = q.view(B, T, self.n_head, C // self.n_head).transpose(1, 2) # (B, nh, T, hs)
        v = v.view(B, T, self.n_head, C // self.n_head).transpose(1, 2) # (B, nh, T, hs)

        # causal self-attention; Self-attend: (B, nh, T, hs) x (B, nh, hs, T) -> (B, nh, T, T)
        if self.flash:
            # efficient attention using Flash Attention CUDA kernels
            y = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=None, dropout_p=self.dropout if self.training else 0, is_causal=True)
        else:
            # manual implementation of attention
            att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
            att = att.masked_fill(self.bias[:,:,:T,:T] == 0, float('-inf'))
            att = F.softmax(att, dim=-1)
            att = self.attn_dropout(att)
            y = att @ v # (B, nh, T, T) x (B, nh, T, hs) -> (B, nh, T, hs)
        y = y.transpose(1, 2).contiguous().view(B, T, C) # re-assemble all head outputs side by side

        # output projection
        y = self.resid_dropout(self.c_proj(y))
        return y
"""
TIMM = """class Block(nn.Module):
    def __init__(self, dim=32, num_heads=4, fused_attn=False):
        super().__init__()
        self.num_heads = num_heads
        self.head_dim = dim // num_heads
        self.scale = self.head_dim ** -0.5
        self.fused_attn = fused_attn
        self.qkv = nn.Linear(dim, dim * 3, bias=True)
        self.q_norm = nn.Identity()
        self.k_norm = nn.Identity()
        self.attn_drop = nn.Dropout(0.1)
        self.proj = nn.Linear(dim, dim)
        self.proj_drop = nn.Dropout(0.1)

    def forward(self, x, attn_mask=None):
        B, N, C = x.shape
        qkv = self.qkv(x).reshape(B, N, 3, self.num_heads, self.head_dim).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        q, k = self.q_norm(q), self.k_norm(k)

        if self.fused_attn:
            x = F.scaled_dot_product_attention(
                q, k, v,
                attn_mask=attn_mask,
                dropout_p=self.attn_drop.p if self.training else 0.,
            )
        else:
            q = q * self.scale
            attn = q @ k.transpose(-2, -1)
            if attn_mask is not None:
                attn = attn + attn_mask
            attn = attn.softmax(dim=-1)
            attn = self.attn_drop(attn)
            x = attn @ v

        x = x.transpose(1, 2).reshape(B, N, C)
        x = self.proj(x)
        x = self.proj_drop(x)
        return x
"""
HF = """class Block(nn.Module):
    def __init__(self, dim=32, heads=4):
        super().__init__()
        self.head_dim = dim // heads
        self.scaling = self.head_dim**-0.5
        self.attention_dropout = 0.1
        self.q_proj = nn.Linear(dim, dim, bias=True)
        self.k_proj = nn.Linear(dim, dim, bias=False)
        self.v_proj = nn.Linear(dim, dim, bias=True)
        self.o_proj = nn.Linear(dim, dim, bias=True)

    def forward(self, hidden_states, attention_mask=None):
        input_shape = hidden_states.shape[:-1]
        hidden_shape = (*input_shape, -1, self.head_dim)

        query_states = self.q_proj(hidden_states).view(hidden_shape).transpose(1, 2)
        key_states = self.k_proj(hidden_states).view(hidden_shape).transpose(1, 2)
        value_states = self.v_proj(hidden_states).view(hidden_shape).transpose(1, 2)

        attn_weights = torch.matmul(query_states, key_states.transpose(2, 3)) * self.scaling
        if attention_mask is not None:
            attn_weights = attn_weights + attention_mask
        attn_weights = nn.functional.softmax(attn_weights, dim=-1, dtype=torch.float32).to(query_states.dtype)
        attn_weights = nn.functional.dropout(attn_weights, p=self.attention_dropout, training=self.training)
        attn_output = torch.matmul(attn_weights, value_states)
        attn_output = attn_output.transpose(1, 2).contiguous()

        attn_output = attn_output.reshape(*input_shape, -1).contiguous()
        return self.o_proj(attn_output)
"""
SINGLE = """class Block(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.q, self.k = None, None
        self.wq = nn.Linear(dim, 16)
        self.wk = nn.Linear(dim, 16)
        self.wv = nn.Linear(dim, dim)

    def forward(self, x):
        scores = self.wq(x) @ self.wk(x).mT / 4
        return x + scores.softmax(-1) @ self.wv(x)
"""
MASKED = TIMM.replace("self.scale = ", "self.mask = nn.Parameter(torch.randn(1, 4, 8, 8))\n        self.scale = ").replace(
    "if attn_mask is not None:\n                attn = attn + attn_mask", "attn += self.mask"
)  # fmt: skip

BLOCKS = {
    "mlp": net(MLP), "gated-mlp": net(GATED), "sequential": net(SEQUENTIAL),
    "nanogpt-flash": net(NANOGPT), "nanogpt": net(NANOGPT, "Block(False)"),
    "timm": net(TIMM), "timm-fused": net(TIMM, "Block(fused_attn=True)"), "timm-mask": net(MASKED),
    "hf": net(HF), "one-head": net(SINGLE),
}  # fmt: skip


@pytest.mark.parametrize("case", BLOCKS)
def test_the_numbers_stay(case: str, tmp_path: Path) -> None:
    text = BLOCKS[case]
    after = rewritten(text, "ane-layout", "class Block", tmp_path)
    assert "PointwiseConv(" in after
    same(text, after)


@pytest.mark.parametrize("case", ["nanogpt", "timm", "hf", "one-head"])
def test_attention_is_written_by_heads(case: str, tmp_path: Path) -> None:
    after = rewritten(BLOCKS[case], "ane-layout", "class Block", tmp_path)
    block = after[after.index("class Block") :]
    assert "attention_over_channels(" in block
    assert "softmax" not in block.replace("F.scaled_dot_product_attention", "")


def test_only_what_changes_is_touched(tmp_path: Path) -> None:
    """Lines of the block that hold nothing of the rewrite stay byte for byte, comments included."""
    after = rewritten(BLOCKS["nanogpt"], "ane-layout", "class Block", tmp_path).split("\n")
    kept = [line for line in BLOCKS["nanogpt"].split("\n") if line in after]
    assert "        # causal self-attention; Self-attend: (B, nh, T, hs) x (B, nh, hs, T) -> (B, nh, T, T)" in kept
    assert "        B, T, C = x.size() # batch size, sequence length, embedding dimensionality (n_embd)" in kept
    assert len(kept) > 40


def test_a_second_block_shares_the_helpers(tmp_path: Path) -> None:
    text = net(MLP.replace("class Block", "class Other") + "\n\n" + NANOGPT).replace(
        "self.a = Block()", "self.a = Other()"
    )
    once = rewritten(text, "ane-layout", "class Block", tmp_path)
    twice = rewritten(once, "ane-layout", "class Other", tmp_path)
    assert twice.count("class PointwiseConv(") == 1
    same(text, twice)
    with pytest.raises(Refused, match="no linear layer"):
        rewritten(twice, "ane-layout", "class Other", tmp_path)


def test_filling_of_weights_reaches_the_new_layers(tmp_path: Path) -> None:
    init = """        self.apply(self._init_weights)

    def _init_weights(self, module):
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.5)
"""
    text = net(MLP.replace("\n\n    def forward", f"\n{init}\n    def forward"))
    after = rewritten(text, "ane-layout", "class Block", tmp_path)
    assert "isinstance(module, (nn.Linear, PointwiseConv))" in after
    first, second = build(text), build(after)
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name].view(value.shape)), name


REFUSED = {
    "a constructor of its own": (
        MLP.replace("self.fc1 = nn.Linear(dim, hidden, bias=False)", "make = nn.Linear\n        self.fc1 = make(dim, hidden)")
        .replace("self.fc2 = nn.Linear( hidden, dim )", "self.fc2 = make(hidden, dim)").replace("nn.LayerNorm(hidden)", "nn.Identity()"),
        "is not a layer that is known",
    ),
    "a weight that is read": (
        MLP.replace("return x + y", "return x + y + F.linear(y, self.fc1.weight.mT @ self.fc1.weight)").replace(
            "self.fc2 = nn.Linear( hidden, dim )", "self.fc2 = nn.Identity()").replace("y = self.gamma * self.drop(self.fc2(y))", "y = y[..., :32]")
        .replace("nn.LayerNorm(hidden)", "nn.Identity()"),
        "uses self.fc1 other than by calling it",
    ),
    "a weight that is tied": (
        "class Block(nn.Module):\n    _tied_weights_keys = {'head.weight': 'table.weight'}\n\n    def __init__(self):\n"
        "        super().__init__()\n        self.head = nn.Linear(32, 32)\n\n    def forward(self, x):\n        return self.head(x)\n",
        "ties the weight of self.head",
    ),
    "rotated queries": (
        TIMM.replace("q, k = self.q_norm(q), self.k_norm(k)", "q = torch.cat([-q[..., 4:], q[..., :4]], -1)"),
        "used while its channels are split|parts do not lie",
    ),
    "a norm of each head": (
        TIMM.replace("self.q_norm = nn.Identity()", "self.q_norm = nn.LayerNorm(self.head_dim)"), "used while its channels are split",
    ),
    "scores that are returned": (
        SINGLE.replace("return x + scores.softmax(-1) @ self.wv(x)", "return x + (scores.softmax(-1) @ self.wv(x)) * scores.mean()"),
        "scores",
    ),
    "a mask behind a scale of its own": (
        SINGLE.replace("/ 4", "/ 4\n        scores = scores + 1\n        scores = scores + 2"), "neither a scale nor one mask",
    ),
    "a loop": (
        MLP.replace("y = self.mid( y )", "for _ in range(2):\n            y = y * 2"), "not followed",
    ),
    "nothing to do": (
        "class Block(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.c = nn.Conv1d(8, 8, 1)\n\n"
        "    def forward(self, x):\n        return self.c(x)\n", "no linear layer",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_followed_is_refused_with_a_reason(case: str, tmp_path: Path) -> None:
    block, reason = REFUSED[case]
    with pytest.raises(Refused, match=reason):
        rewritten(net(block), "ane-layout", "class Block", tmp_path)


def test_fewer_heads_in_the_keys_are_refused(tmp_path: Path) -> None:
    """One key head for all queries broadcasts in torch; by heads it would not."""
    block = HF.replace("self.k_proj = nn.Linear(dim, dim, bias=False)", "self.k_proj = nn.Linear(dim, self.head_dim)")
    block = block.replace("self.v_proj = nn.Linear(dim, dim, bias=True)", "self.v_proj = nn.Linear(dim, self.head_dim)")
    with pytest.raises(Refused, match="other heads"):
        rewritten(net(block), "ane-layout", "class Block", tmp_path)
