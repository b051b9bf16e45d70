"""Layers written out with the parameters they have: nothing changes in the state dict."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ane_lsp.checks.finding import Fix, TextEdit
from ane_lsp.fixes.helpers import define
from ane_lsp.fixes.site import Site, fixer
from ane_lsp.fixes.spellings import place
from ane_lsp.fixes.tree import Refused, is_stable

LONGEST_SEQUENCE = 64
"""Steps that are still unrolled; each is about ten operations for a layer and direction."""
WIDEST_HEAD = 16384

_RECURRENT = '''\
def {name}(layer, x, states=None):
    """`layer(x, states)` with every time step written out, on the layer's own weights."""
    x = x if layer.batch_first else x.transpose(0, 1)
    start = torch.zeros(x.shape[0], layer.hidden_size, dtype=x.dtype, device=x.device)
    last = []
    for number in range(layer.num_layers):
        if number:
            x = torch.nn.functional.dropout(x, layer.dropout, layer.training)
        sides = []
        for side in ["", "_reverse"] if layer.bidirectional else [""]:
            name = f"l{{number}}{{side}}"
            w_x, w_h = getattr(layer, f"weight_ih_{{name}}"), getattr(layer, f"weight_hh_{{name}}")
            b_x = getattr(layer, f"bias_ih_{{name}}") if layer.bias else None
            b_h = getattr(layer, f"bias_hh_{{name}}") if layer.bias else None
{start}            outputs = []
            for step in reversed(range(x.shape[1])) if side else range(x.shape[1]):
                from_x = torch.nn.functional.linear(x[:, step], w_x, b_x)
                from_h = torch.nn.functional.linear(h, w_h, b_h)
{cell}                outputs.append(h)
            last.append({last})
            sides.append(torch.stack(outputs[::-1] if side else outputs, 1))
        x = torch.cat(sides, -1)
{end}'''

_CELLS = {
    "LSTM": {
        "start": "            h, c = (start, start) if states is None else (states[0][len(last)], states[1][len(last)])\n",
        "cell": (
            "                i, f, g, o = (from_x + from_h).chunk(4, 1)\n"
            "                c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)\n"
            "                h = torch.sigmoid(o) * torch.tanh(c)\n"
        ),
        "last": "(h, c)",
        "end": (
            "    states = torch.stack([h for h, _ in last]), torch.stack([c for _, c in last])\n"
            "    return (x if layer.batch_first else x.transpose(0, 1)), states\n"
        ),
    },
    "GRU": {
        "start": "            h = start if states is None else states[len(last)]\n",
        "cell": (
            "                r_x, z_x, n_x = from_x.chunk(3, 1)\n"
            "                r_h, z_h, n_h = from_h.chunk(3, 1)\n"
            "                z = torch.sigmoid(z_x + z_h)\n"
            "                n = torch.tanh(n_x + torch.sigmoid(r_x + r_h) * n_h)\n"
            "                h = n + z * (h - n)\n"
        ),
        "last": "h",
        "end": "    return (x if layer.batch_first else x.transpose(0, 1)), torch.stack(last)\n",
    },
}


def _layer_input_and_states(site: Site) -> str:
    """The layer, its input and perhaps its states as they are written, for a function that reads the layer's weights."""
    call, tree = site.call, site.tree
    if len(call.args) not in (1, 2) or call.keywords or not is_stable(call.func):
        raise Refused("not called with an input and states")
    if any(isinstance(arg, ast.Starred) for arg in call.args):
        raise Refused("*args")
    tree.refuse_hooks()
    return ", ".join(map(tree.text, (call.func, *call.args)))


@fixer("ANE202", "ANE112")
def unrolled(site: Site) -> Iterator[Fix]:
    """nn.LSTM and nn.GRU over a short sequence of known length, called with it and perhaps with states."""
    kind = site.name().removeprefix("torch.nn.")
    if kind not in _CELLS:
        raise Refused("not LSTM or GRU")
    parts = _layer_input_and_states(site)
    if site.rank() != 3:
        raise Refused("no batch axis")
    steps = set()
    for call in site.calls:
        if call.hyper.get("proj_size") != 0 or not call.direct:
            raise Refused("a projection")
        shape = site.operand(call).shape
        steps.add(shape[1 if call.hyper.get("batch_first") else 0] if shape else None)
    length = steps.pop() if len(steps) == 1 else None
    if not isinstance(length, int) or length > LONGEST_SEQUENCE:
        raise Refused("the length is not known, or too long")
    tree = site.tree
    name, edits = define(tree, f"unrolled_{kind.lower()}", lambda name: _RECURRENT.format(name=name, **_CELLS[kind]))
    text = f"{name}({parts})"
    yield site.fix(
        f"Unroll the {length} steps (the same numbers; a longer program, one for each length)",
        tree.replace(site.call, text, atomic=True),
        *edits,
        safety="unsafe",
    )


_STEP = '''\
def {name}(layer, x, state=None):
    """`layer(x, state)` written out, on the layer's own weights."""
{start}    from_x = torch.nn.functional.linear(x, layer.weight_ih, layer.bias_ih)
    from_h = torch.nn.functional.linear(h, layer.weight_hh, layer.bias_hh)
{cell}'''
_ZEROS = "torch.zeros(*x.shape[:-1], layer.hidden_size, dtype=x.dtype, device=x.device)"
_STEPS = {
    "LSTMCell": {
        "start": f"    if state is None:\n        state = ({_ZEROS},) * 2\n    h, c = state\n",
        "cell": (
            "    i, f, g, o = (from_x + from_h).chunk(4, -1)\n"
            "    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)\n"
            "    return torch.sigmoid(o) * torch.tanh(c), c\n"
        ),
    },
    "GRUCell": {
        "start": f"    h = {_ZEROS} if state is None else state\n",
        "cell": (
            "    r_x, z_x, n_x = from_x.chunk(3, -1)\n"
            "    r_h, z_h, n_h = from_h.chunk(3, -1)\n"
            "    z = torch.sigmoid(z_x + z_h)\n"
            "    n = torch.tanh(n_x + torch.sigmoid(r_x + r_h) * n_h)\n"
            "    return n + z * (h - n)\n"
        ),
    },
}


@fixer("ANE112")
def written_out_cell(site: Site) -> Iterator[Fix]:
    """nn.LSTMCell and nn.GRUCell: the same sums and functions of them, on the layer's own weights."""
    kind = site.name().removeprefix("torch.nn.")
    if kind not in _STEPS or not all(call.direct for call in site.calls):
        raise Refused("not LSTMCell or GRUCell called by its name")
    tree, parts = site.tree, _layer_input_and_states(site)
    wish = f"{kind[:-4].lower()}_cell"
    name, edits = define(tree, wish, lambda name: _STEP.format(name=name, **_STEPS[kind]))
    edit = tree.replace(site.call, f"{name}({parts})", atomic=True)
    yield site.fix("Write the cell out (the same numbers and weights)", edit, *edits)


@fixer("ANE808")
def split_head(site: Site) -> Iterator[Fix]:
    """A wide nn.Linear as several products with parts of its weight: each output is the same sum."""
    if site.name() != "torch.nn.Linear" or len(site.call.args) != 1 or site.call.keywords:
        raise Refused("not an nn.Linear called with one input")
    layer = site.call.func
    if not is_stable(layer) or not all(call.direct for call in site.calls):
        raise Refused("the layer has no name here")
    site.tree.refuse_hooks()
    widths = {(call.hyper.get("out_features"), call.hyper.get("bias") is not None) for call in site.calls}
    if len(widths) != 1:
        raise Refused("several layers")
    width, bias = widths.pop()
    if not isinstance(width, int):
        raise Refused("the width is not known")
    size = -(-width // -(-width // WIDEST_HEAD))
    tree, edits = site.tree, list[TextEdit]()
    given = site.call.args[0]
    if is_stable(given):
        x = tree.text(given)
    else:
        x = tree.fresh("features")
        edits.append(tree.before(site.call, f"{x} = {tree.text(given)}"))
    name = tree.text(layer)
    if bias:
        parts = f"torch.nn.functional.linear({x}, w, b) for w, b in zip({name}.weight.split({size}), {name}.bias.split({size}))"
    else:
        parts = f"torch.nn.functional.linear({x}, w) for w in {name}.weight.split({size})"
    edits += place(site, site.call, f"torch.cat([{parts}], -1)", atomic=True)
    yield site.fix(f"Split the head into parts of {size} outputs, and concatenate them", *edits)
