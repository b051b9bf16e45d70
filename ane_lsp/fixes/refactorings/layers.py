"""Layers of a block: which can be moved to (batch, channels, 1, length), and what they become."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import field
from functools import cached_property

from ane_lsp.checks.finding import TextEdit
from ane_lsp.fixes.helpers import define
from ane_lsp.fixes.refactorings.base import Place, method, own_attribute, tensor_ranks
from ane_lsp.fixes.tree import Refused
from ane_lsp.graph import Call
from ane_lsp.graph.records import dataclass

CONV = '''\
class {name}(torch.nn.Conv2d):
    """nn.Linear over the channels of (batch, channels, 1, length). Loads the weights of an nn.Linear, too."""

    def __init__(self, in_features, out_features, bias=True, device=None, dtype=None):
        super().__init__(in_features, out_features, 1, bias=bias, device=device, dtype=dtype)
        self._register_load_state_dict_pre_hook(self._from_linear)

    @staticmethod
    def _from_linear(state_dict, prefix, *_):
        weight = state_dict.get(prefix + "weight")
        if weight is not None and weight.dim() == 2:
            state_dict[prefix + "weight"] = weight[:, :, None, None]
'''
LAYER_NORM = '''\
class {name}(torch.nn.LayerNorm):
    """LayerNorm over the channels of (batch, channels, 1, length)."""

    def forward(self, x):
        x = x - x.mean(1, keepdim=True)
        x = x * torch.rsqrt((x * x).mean(1, keepdim=True) + self.eps)
        x = x if self.weight is None else x * self.weight[:, None, None]
        return x if self.bias is None else x + self.bias[:, None, None]
'''
RMS_NORM = '''\
class {name}(torch.nn.RMSNorm):
    """RMSNorm over the channels of (batch, channels, 1, length)."""

    def forward(self, x):
        eps = torch.finfo(x.dtype).eps if self.eps is None else self.eps
        x = x * torch.rsqrt((x * x).mean(1, keepdim=True) + eps)
        return x if self.weight is None else x * self.weight[:, None, None]
'''
# Heads are taken by split: of a single one chunk does not convert when traced.
ATTENTION = '''\
def {name}(q, k, v, heads, scale=None, mask=None, is_causal=False, dropout=0.0):
    """Attention, one head after the other, of tensors (batch, channels, 1, length); the softmax runs over the keys, dim 1."""
    scale = (q.shape[1] // heads) ** -0.5 if scale is None else scale
    if is_causal:
        mask = torch.ones(q.shape[3], k.shape[3], dtype=torch.bool, device=q.device).tril()
    while mask is not None and mask.dim() < 4:
        mask = mask.unsqueeze(0)
    outputs = []
    size = k.shape[1] // heads
    pieces = zip(q.split(size, 1), k.transpose(1, 3).split(size, 3), v.split(v.shape[1] // heads, 1))
    for head, (q_i, k_i, v_i) in enumerate(pieces):
        weights = torch.einsum("bchq,bkhc->bkhq", q_i * scale, k_i)
        if mask is not None:
            of_head = (mask if mask.shape[1] == 1 else mask[:, head : head + 1]).permute(0, 3, 1, 2)
            weights = weights.masked_fill(~of_head, -1e4) if mask.dtype == torch.bool else weights + of_head
        weights = weights.softmax(1)
        if dropout > 0.0:
            weights = torch.nn.functional.dropout(weights, dropout)
        outputs.append(torch.einsum("bkhq,bchk->bchq", weights, v_i))
    return torch.cat(outputs, 1)
'''
HELPERS = {
    "PointwiseConv": CONV, "ChannelLayerNorm": LAYER_NORM, "ChannelRMSNorm": RMS_NORM, "attention_over_channels": ATTENTION,
}  # fmt: skip

MOVED = {
    "torch.nn.Linear": "PointwiseConv",
    "torch.nn.LayerNorm": "ChannelLayerNorm",
    "torch.nn.RMSNorm": "ChannelRMSNorm",
}
"""Layers that are replaced."""

_ACTIVATIONS = (
    "ReLU", "ReLU6", "GELU", "SiLU", "Mish", "Sigmoid", "Tanh", "ELU", "LeakyReLU", "Hardswish", "Hardsigmoid", "Hardtanh",
    "Softplus", "Identity", "Dropout", "CELU", "SELU", "LogSigmoid", "Softsign", "Tanhshrink",
)  # fmt: skip
_FUNCTIONS = (
    "relu", "relu6", "gelu", "silu", "mish", "sigmoid", "tanh", "elu", "leaky_relu", "hardswish", "hardsigmoid", "hardtanh",
    "softplus", "dropout", "exp", "abs", "square", "sqrt", "rsqrt", "clamp", "erf", "neg",
)  # fmt: skip
ELEMENTWISE_LAYERS = frozenset(f"torch.nn.{name}" for name in _ACTIVATIONS)
ELEMENTWISE_FUNCTIONS = frozenset(f"torch.{p}{name}" for name in _FUNCTIONS for p in ("", "nn.functional."))
ELEMENTWISE_METHODS = frozenset(_FUNCTIONS) - {"dropout"} | {"contiguous", "to", "float", "half", "type", "type_as"}
_INSIDE = (
    ELEMENTWISE_LAYERS | ELEMENTWISE_FUNCTIONS | {f"torch.Tensor.{name}" for name in _FUNCTIONS}
    | {f"torch.Tensor.{name}" for name in ("add", "sub", "mul", "div", "pow", "to", "float", "__pow__", "reciprocal")}
    | {"torch.pow", "torch.mul", "torch.add"}
)  # fmt: skip
_INIT = frozenset({
    "normal_", "trunc_normal_", "uniform_", "zeros_", "ones_", "constant_", "xavier_uniform_", "xavier_normal_",
    "kaiming_uniform_", "kaiming_normal_",
})  # fmt: skip


@dataclass
class Layers:
    """The layers of one class. edits: what makes those that were taken into layers over channels."""

    place: Place
    used: dict[str, str] = field(default_factory=dict)
    _edits: dict[TextEdit, None] = field(default_factory=dict)
    taken: list[str] = field(default_factory=list)

    @property
    def edits(self) -> list[TextEdit]:
        return list(self._edits)

    def helper(self, wish: str) -> str:
        """The name of one of :data:`HELPERS` in this file; it is brought along."""
        if wish not in self.used:
            name, edits = define(self.place.tree, wish, lambda name: HELPERS[wish].replace("{name}", name))
            self.used[wish] = name
            self._edits.update(dict.fromkeys(edits))
        return self.used[wish]

    def take(self, attribute: str, call: ast.Call) -> None:
        """Make the layer, or every layer of the container, of ``self.attribute`` one over channels."""
        for node in self.constructors(attribute, call):
            name = self.place.qualified(node.func)
            if name in MOVED:
                edit = TextEdit(self.place.tree.span(node.func), self.helper(MOVED[name]))
                if edit not in self._edits and name == "torch.nn.Linear":
                    self.taken.append(attribute)
                self._edits[edit] = None

    def can_move(self, attribute: str, call: ast.Call) -> bool:
        """Whether the module called at `call` can be made one over channels and has a linear layer or norm in it."""
        try:
            names = [self.place.qualified(node.func) for node in self.constructors(attribute, call)]
        except Refused:
            return False
        return any(name in MOVED for name in names)

    def constructors(self, attribute: str, call: ast.Call) -> list[ast.Call]:
        """Where the layers that run at `call` are made, in order; Refused where one of them cannot be moved, with the reason."""
        why, place = self.place.why, self.place
        statement = place.assigned(attribute)
        if statement is None or not isinstance(statement.value, ast.Call):
            raise why(call, f"is no layer that __init__ makes once: self.{attribute}")
        self._only_called(attribute)
        top = statement.value
        made = [top]
        if place.qualified(top.func) == "torch.nn.Sequential":
            if top.keywords or not all(isinstance(a, ast.Call) for a in top.args):
                raise why(top, "is not a plain list of layers")
            made = [a for a in top.args if isinstance(a, ast.Call)]
        calls = place.calls_at(call)
        if not calls:
            raise why(call, "is not reached by any model of this file, so what comes in is not known")
        for node in made:
            name = place.qualified(node.func)
            if name not in MOVED and name not in ELEMENTWISE_LAYERS:
                raise why(node, "is not a layer that is known over channels")
            if name in MOVED:
                self._movable(node, [c for c in calls if c.ctor == place.tree.span(node)], call)
        return made

    def _movable(self, node: ast.Call, calls: Sequence[Call], at: ast.Call) -> None:
        why, name = self.place.why, self.place.qualified(node.func)
        if not calls or {rank for call in calls for rank in tensor_ranks(call)} != {3}:
            raise why(at, "is not always given (batch, length, channels)")
        if len(self.place.built_at(node)) != len(calls):
            raise why(node, "makes a layer that runs elsewhere, too")
        if name != "torch.nn.Linear":
            for call in calls:
                shape = call.hyper.get("normalized_shape")
                if isinstance(shape, (tuple, list)) and len(shape) != 1:
                    raise why(node, "normalises over several axes")

    def _only_called(self, attribute: str) -> None:
        """Nobody in the file reads the layer or its weight but by calling it (or to fill the weight)."""
        place = self.place
        if attribute in self._tied:
            raise place.why(self._tied[attribute], f"ties the weight of self.{attribute} to another")
        if attribute in self._read:
            raise place.why(self._read[attribute], f"uses self.{attribute} other than by calling it")

    @cached_property
    def _tied(self) -> dict[str, ast.AST]:
        """Layers that a table of tied weights names (``_tied_weights_keys = {"lm_head.weight": ...}``)."""
        found: dict[str, ast.AST] = {}
        for node in ast.walk(self.place.tree.module):
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and "tied" in ast.unparse(
                node.targets[0] if isinstance(node, ast.Assign) else node.target
            ):
                for part in ast.walk(node):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        found.update(dict.fromkeys(part.value.split("."), node))
        return found

    @cached_property
    def _read(self) -> dict[str, ast.AST]:
        tree, found = self.place.tree, dict[str, ast.AST]()
        calls_in_loops = {
            id(n)
            for loop in ast.walk(self.place.model)
            if isinstance(loop, (ast.For, ast.While, ast.With, ast.Try, ast.Lambda, ast.ListComp, ast.GeneratorExp))
            for n in ast.walk(loop)
        }
        forward = {id(n) for n in ast.walk(self.place.forward)}
        own = {id(n) for n in ast.walk(self.place.model)}
        for node in ast.walk(tree.module):
            if not isinstance(node, ast.Attribute):
                continue
            parent = tree.parent(node)
            if id(node) in own and own_attribute(node):
                called = isinstance(parent, ast.Call) and parent.func is node
                if isinstance(node.ctx, ast.Load) and (
                    not (called and id(node) in forward and id(node) not in calls_in_loops)
                    and not self._only_fills(node)
                ):
                    found.setdefault(node.attr, parent or node)
            elif isinstance(parent, ast.Attribute) and parent.attr in ("weight", "in_features", "out_features"):
                if not (own_attribute(node) and id(node) not in own) and not self._only_fills(node):
                    found.setdefault(node.attr, parent)
        return found

    def _only_fills(self, node: ast.AST) -> bool:
        """``nn.init.normal_(self.fc.weight)``: the same on a weight of four axes; and whatever is done to a bias."""
        parent = self.place.tree.parent(node)
        if not isinstance(parent, ast.Attribute):
            return False
        if parent.attr == "bias":
            return True
        call = self.place.tree.parent(parent)
        return (
            parent.attr == "weight"
            and isinstance(call, ast.Call)
            and parent in call.args
            and (isinstance(call.func, ast.Attribute) and call.func.attr in _INIT)
        )

    def is_elementwise(self, attribute: str, call: ast.Call) -> bool:
        """Whether ``self.attribute(x)`` works on each element alone: by its name, or by everything it was seen to do."""
        place = self.place
        statement = place.assigned(attribute)
        if statement is None:
            return False
        value = statement.value
        if isinstance(value, ast.Call) and place.qualified(value.func):
            return place.qualified(value.func) in ELEMENTWISE_LAYERS
        if isinstance(value, (ast.IfExp, ast.BoolOp)):
            return False
        seen = [*place.calls_at(call), *place.calls_below(call)]
        return bool(seen) and all(c.torch in _INSIDE for c in seen) and self._is_activation(value)

    def _is_activation(self, value: ast.expr) -> bool:
        """``act_layer()``, ``ACT2FN[config.hidden_act]``, ``NewGELU()``: what gives it its name says what it is."""
        return "act" in ast.unparse(value).lower() or "elu" in ast.unparse(value).lower()

    def is_dropout(self, attribute: str) -> bool:
        """Whether ``self.attribute`` is an nn.Dropout."""
        statement = self.place.assigned(attribute)
        value = statement.value if statement is not None else None
        return isinstance(value, ast.Call) and self.place.qualified(value.func) == "torch.nn.Dropout"

    def init_edits(self) -> list[TextEdit]:
        """``isinstance(module, nn.Linear)`` in functions that fill weights means the new layer, too."""
        tree, found = self.place.tree, list[TextEdit]()
        if "PointwiseConv" not in self.used:
            return []
        for node in ast.walk(tree.module):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "isinstance"
                and len(node.args) == 2
                and "init" in getattr(tree.function(node), "name", "")
            ):
                kinds = node.args[1]
                listed = kinds.elts if isinstance(kinds, ast.Tuple) else [kinds]
                linear = next((k for k in listed if tree.qualified(k) == "torch.nn.Linear"), None)
                if linear is not None:
                    new = f"{tree.text(linear)}, {self.used['PointwiseConv']}"
                    found.append(TextEdit(tree.span(linear), new if linear is not kinds else f"({new})"))
        return found


def has_linear(place: Place) -> bool:
    """Whether the class makes linear layers: a quick look."""
    init = method(place.model, "__init__")
    return init is not None and any(
        isinstance(n, ast.Call) and place.tree.qualified(n.func) == "torch.nn.Linear" for n in ast.walk(init)
    )
