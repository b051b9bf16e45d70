"""The operations of distributions, in order, with shapes and dtypes, against those of torch. Arguments are not validated on either side."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from ane_lsp.graph import TORCH_DTYPE, Value
from ane_lsp.interp.run import run_script
from ane_lsp.workspace import Workspace

torch = pytest.importorskip("torch", reason="torch is not installed: operations are not compared with its own")

HEAD = """\
import torch
from torch import nn
from torch.distributions import *

Distribution.set_default_validate_args(False)


class Net(nn.Module):
    def forward(self, x, s):
"""
CALL = "\n\ngiven = torch.ones(3, 4), torch.ones(4)\nwith mode:\n    Net()(*given)\n"
CATEGORICAL = "d = Categorical(logits=x)\n"
BERNOULLI = "d = Bernoulli(logits=x)\n"
NORMAL = "d = Normal(x, s)\n"
CASES = [
    NORMAL + "z = d.rsample()\nd.log_prob(z)",
    NORMAL + "d.sample((2,))\nd.rsample((2, 5))\nd.mean, d.mode, d.stddev\nd.variance",
    NORMAL + "d.entropy()\nd.cdf(x)\nd.icdf(x)\nd.perplexity()",
    "d = Normal(0.0, 1.0)\nd.sample((3,))\nd.log_prob(x)",
    "d = Normal(x.double(), 2.0)\nd.rsample()\nd.log_prob(1.0 * s)",
    CATEGORICAL + "a = d.sample()\nd.log_prob(a)\nd.entropy()",
    CATEGORICAL + "d.probs\nd.mode\nd.sample((2, 5))\nd.mean\nd.variance",
    "d = Categorical(x.softmax(-1))\nd.logits\nd.log_prob(d.sample((7,)))\nd.entropy()\nd.enumerate_support()",
    "d = Categorical(probs=s)\nd.sample()\nd.sample((2,))",
    BERNOULLI + "d.mean\nd.sample()\nd.sample((2,))\nd.variance",
    BERNOULLI + "d.log_prob((d.probs > 0.5).float())\nd.entropy()\nd.mode",
    "d = Bernoulli(x.sigmoid())\nd.logits\nd.log_prob(d.sample())\nd.stddev",
    "d = Bernoulli(0.5)\nd.sample((2,))",
    "d = Uniform(x, x + 1)\nd.sample()\nd.rsample((2,))\nd.log_prob(x)\nd.mean\nd.stddev\nd.variance\nd.mode\nd.cdf(x)\nd.icdf(x)\nd.entropy()",
    "d = Uniform(0.0, 1.0)\nd.sample((2, 3))",
    "d = Exponential(x)\nd.log_prob(x)\nd.mean\nd.mode\nd.variance\nd.cdf(x)\nd.icdf(x)\nd.entropy()",
    "d = Independent(Normal(x, s), 1)\nz = d.rsample((2,))\nd.log_prob(z)\nd.entropy()\nd.mean\nd.variance",
    "d = Independent(Bernoulli(logits=x), 2)\nd.log_prob(d.sample())",
    "d = OneHotCategorical(logits=x)\nd.log_prob(d.sample())\nd.entropy()\nd.mode\nd.mean\nd.variance",
    "d = OneHotCategoricalStraightThrough(probs=x.softmax(-1))\nd.rsample((2,))",
    "kl_divergence(Normal(x, s), Normal(torch.zeros_like(x), torch.ones_like(x)))",
    "kl_divergence(Categorical(logits=x), Categorical(probs=x.softmax(-1)))",
    "kl_divergence(Bernoulli(logits=x), Bernoulli(probs=x.sigmoid()))",
    "kl_divergence(Independent(Normal(x, s), 1), Independent(Normal(x, 2 * s), 1))",
    "kl_divergence(OneHotCategorical(logits=x), OneHotCategorical(logits=2 * x))",
]
Made = tuple[str, list[tuple[tuple[int, ...], str]]]
# Asked of tensors, not computed; finfo() is no function of tensors.
UNSEEN = {
    "size",
    "dim",
    "dtype",
    "device",
    "shape",
    "ndimension",
    "numel",
    "is_floating_point",
    "finfo",
    "new",
    "_set_grad_enabled",
}


class Recorded(torch.overrides.TorchFunctionMode):  # type: ignore[misc, name-defined]
    """Operations as they are made."""

    def __init__(self) -> None:
        self.made: list[Made] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name = (torch.overrides.resolve_name(func) or func.__name__).removesuffix(".__get__")
        tensors = result if isinstance(result, (tuple, list)) else [result]
        short = name.rsplit(".", 1)[-1]
        if short not in UNSEEN:
            self.made.append((short, [(tuple(t.shape), str(t.dtype)[6:]) for t in tensors if torch.is_tensor(t)]))
        return result


def of_torch(source: str) -> list[Made]:
    mode = Recorded()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch.distributions.Distribution._validate_args", False)
        exec(source, {"mode": mode})
    return mode.made


def of_ours(folder: Path, source: str) -> list[Made]:
    path = folder / "net.py"
    path.write_text(f"import contextlib\nmode = contextlib.nullcontext()\n{source}")
    done = run_script(Workspace(folder), path)
    assert not done.errors
    assert not done.interp.unresolved
    [graph] = done.graphs
    made = []
    for call in graph.calls:
        short = call.torch.rsplit(".", 1)[-1]
        tensors = call.result if isinstance(call.result, (tuple, list)) else [call.result]
        if short not in UNSEEN:
            values = [t.type for t in tensors if isinstance(t, Value)]
            made.append((short, [] if short == "__setitem__" else [(t.shape, TORCH_DTYPE[t.dtype]) for t in values]))
    return made


@pytest.mark.parametrize("body", CASES)
def test_operations_are_those_of_torch(tmp_path: Path, body: str) -> None:
    ast.parse(body)
    source = HEAD + "".join(f"        {line}\n" for line in body.splitlines()) + CALL
    ours, theirs = of_ours(tmp_path, source), of_torch(source)
    assert [(name.strip("_"), out) for name, out in ours] == [(name.strip("_"), out) for name, out in theirs]


@pytest.mark.parametrize(
    "body",
    [
        "Beta(x, x)",
        "MultivariateNormal(s, torch.eye(4))",
        "kl_divergence(Normal(x, s), Uniform(x, x))",
        "Normal(x, s).support",
    ],
)
def test_what_is_not_modelled_is_unknown(tmp_path: Path, body: str) -> None:
    path = tmp_path / "net.py"
    path.write_text(
        HEAD.replace("*", "Beta, Distribution, MultivariateNormal, Normal, Uniform, kl_divergence")
        + f"        self.d = {body}\n        return self.d.mean\n\n\nNet()(torch.ones(3, 4), torch.ones(4))\n"
    )
    done = run_script(Workspace(tmp_path), path)
    assert not done.errors
    [graph] = done.graphs
    assert all("mean" not in call.torch for call in graph.calls)
    assert not graph.outputs or all(value.type.shape is None for value in graph.outputs)
