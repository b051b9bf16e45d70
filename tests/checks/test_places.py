"""Where findings stand when a model uses code of other files, and what is not the model at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from ane_lsp.analysis import FileAnalysis, analyze
from ane_lsp.workspace import Settings, Workspace

HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"


def analysis(folder: Path, main: str, **files: str) -> FileAnalysis:
    for name, text in {"model": main, **files}.items():
        (folder / f"{name}.py").write_text(HEAD + text, encoding="utf-8")
    return analyze(folder / "model.py", Workspace(folder), Settings())


def found(result: FileAnalysis) -> list[tuple[str, int]]:
    return [(f.code, f.span.line) for f in result.findings]


LIBRARY = """
def index_of_best(x):
    return x.argmax(1)

class Best(nn.Module):
    def forward(self, x):
        return x.argmax(1)
"""


def test_a_finding_inside_a_function_of_another_file_stands_at_its_call(tmp_path: Path) -> None:
    main = """
from library import index_of_best
class Net(nn.Module):
    def forward(self, x):
        return index_of_best(x)
Net().eval()(torch.randn(1, 8, 4))
"""
    (finding,) = [f for f in analysis(tmp_path, main, library=LIBRARY).findings if f.code == "ANE203"]
    assert finding.span.line == 8
    (inside,) = [r for r in finding.related if r.message == "inside index_of_best"]
    assert (Path(inside.span.file).name, inside.span.line) == ("library.py", 6)


def test_findings_of_modules_of_other_files_stay_there(tmp_path: Path) -> None:
    main = "from library import Best\nNet = nn.Sequential(Best())\nNet.eval()(torch.randn(1, 8, 4))\n"
    assert found(analysis(tmp_path, main, library=LIBRARY)) == []
    result = analyze(tmp_path / "library.py", Workspace(tmp_path), Settings())
    assert ("ANE203", 10) in found(result)


def test_calls_that_take_tensors_and_cannot_be_followed_are_told_of(tmp_path: Path) -> None:
    """What they compute is missing from what the summary counts. A call without tensors computes nothing of the model."""
    main = """
class Net(nn.Module):  # ane: input(1x8)
    def __init__(self, body, log):
        super().__init__()
        self.body, self.log = body, log
        self.parts = nn.ModuleList([nn.Linear(8, 8) for _ in range(2)])
    def forward(self, x):
        self.log("called")
        for part in self.parts:
            x = part(x)
        return self.body(mask=None, x=x)
"""
    (model,) = analysis(tmp_path, main).models
    assert [str(part) for part in model.lost] == [
        "model.py:14: `body` of Net has no value here; add an entry or a default"
    ]
    assert model.ops == 2


def test_a_model_of_another_file_that_a_script_calls_is_told_of_at_the_call(tmp_path: Path) -> None:
    main = "from library import Best\nnet = Best()\nfor _ in range(2):\n    net(torch.randn(1, 8, 4))\nnet(torch.randn(1, 8, 6))\n"
    result = analysis(tmp_path, main, library=LIBRARY)
    assert found(result) == []
    (model,) = result.models
    assert (model.name, model.span.line, model.ops) == ("Best", 7, 1)
    (place,) = model.elsewhere
    assert str(place).startswith("library.py:10: ")
    assert "ANE203" in place.text


def test_models_of_one_class_that_differ_are_told_of_one_by_one(tmp_path: Path) -> None:
    library = "def make(n):\n    return Deep(n)\nclass Deep(nn.Module):\n    def __init__(self, n):\n        super().__init__()\n"
    library += "        self.n = n\n    def forward(self, x):\n        for _ in range(self.n):\n            x = x.relu()\n        return x\n"
    main = "from library import make\nfor n in (1, 3, 3):\n    make(n)(torch.rand(2, 3))\n"
    assert [model.ops for model in analysis(tmp_path, main, library=library).models] == [1, 3]


def test_a_script_that_calls_a_model_on_data_nobody_knows_tells_nothing_of_it(tmp_path: Path) -> None:
    main = "import sys\nfrom library import Best\nnet = Best()\nnet(torch.load(sys.argv[1]))\n"
    assert analysis(tmp_path, main, library=LIBRARY).models == []


def test_one_finding_for_many_places_stands_in_the_authors_file(tmp_path: Path) -> None:
    library = "class Mish(nn.Module):\n    def forward(self, x):\n        return F.layer_norm(x, (8,), eps=1e-12)\n"
    main = """
from library import Mish
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = Mish()
    def forward(self, x):
        return F.layer_norm(self.a(x), (8,), eps=1e-12)
Net().eval()(torch.randn(1, 4, 8))
"""
    assert found(analysis(tmp_path, main, library=library)) == [("ANE504", 11)]


def test_what_only_training_does_is_not_in_the_model(tmp_path: Path) -> None:
    main = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
    def forward(self, x):
        if self.training:
            x = x[:, torch.randperm(3)] + torch.randn(3, 1, 1)
            if not torch.isfinite(x).all():
                x = x.clamp(-1, 1)
        return self.conv(x).argmax(1)
"""
    assert found(analysis(tmp_path, main)) == [("ANE203", 14)]


def test_token_ids_are_integers_where_only_the_docstring_gives_their_shape(tmp_path: Path) -> None:
    main = '''
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(10, 8)
    def forward(self, input_ids: torch.LongTensor | None = None):
        """Args:
            input_ids (`torch.LongTensor` of shape `(batch_size, num_choices, length)`): tokens.
        """
        mask = input_ids.ne(1).int()
        return self.embed(mask * 2 + 1)
'''
    result = analysis(tmp_path, main)
    assert [g.inputs[0].type.dtype for g in result.graphs] == ["i64"]
    assert "ANE251" not in {code for code, _ in found(result)}


def test_operations_kept_in_fp32_do_not_count_as_running_on_the_ane(tmp_path: Path) -> None:
    main = "class Net(nn.Module):\n    def forward(self, x):\n        return (x + {}).relu()\nNet().eval()(torch.randn(1, 8))\n"
    (plain,) = analysis(tmp_path, main.format("1.0")).models
    (large,) = analysis(tmp_path, main.format("1e9")).models
    assert plain.ops == large.ops
    assert large.on_ane == plain.on_ane - 1


def test_a_write_at_an_index_that_is_not_known_is_not_called_a_scatter(tmp_path: Path) -> None:
    main = """
class Net(nn.Module):
    def __init__(self, steps):
        super().__init__()
        self.steps = steps
    def forward(self, x):
        out = torch.zeros(1, 8, 4)
        for i in range(self.steps):
            out[:, i] = x[:, i] * 2
        return out
"""
    assert "ANE210" not in {code for code, _ in found(analysis(tmp_path, main))}


def test_a_slice_written_into_a_tensor_of_unknown_rank_is_no_scatter(tmp_path: Path) -> None:
    main = """
class Net(nn.Module):
    def forward(self, boxes, other):
        corners = boxes.clone()
        corners[:, 0, :] += 3
        corners[..., 1] = corners[..., 1] / 4
        return corners * other
"""
    result = analysis(tmp_path, main)
    assert result.graphs[0].inputs[0].type.shape is None
    assert "ANE210" not in {code for code, _ in found(result)}
    assert [op.kind for op in result.graphs[0].ops].count("slice_update") == 2


def test_nothing_is_said_of_the_speed_of_what_does_not_convert(tmp_path: Path) -> None:
    main = """
class Net(nn.Module):
    def forward(self, x):
        return x + torch.zeros(1, 8).normal_() + torch.randn(1, 8)
Net().eval()(torch.randn(1, 8))
"""
    result = [(f.code, f.op) for f in analysis(tmp_path, main).findings if f.code in ("ANE101", "ANE214")]
    assert result == [("ANE101", ""), ("ANE214", "random_normal")]
    (refused,) = [f for f in analysis(tmp_path, main).findings if f.code == "ANE101"]
    assert refused.message.startswith("Tensor.normal_ does not convert")  # it has no other form


def test_a_loss_nobody_asked_for_is_not_checked(tmp_path: Path) -> None:
    main = """
class RankLoss(nn.Module):
    def forward(self, x):
        return x.argmax(1)
"""
    result = analysis(tmp_path, main)
    assert found(result) == []
    assert "losses, penalties and discriminators stay with training" in result.models[0].assumed[-1]
    trained = "nn.BCELoss()(torch.rand(4), torch.rand(4))\nRankLoss()(torch.randn(1, 8, 4))\n"
    assert found(analysis(tmp_path, main + trained)) == []
    asked = main.replace("class", "# ane: input(1x8x4)\nclass")
    assert found(analysis(tmp_path, asked)) == [("ANE203", 8)]


@pytest.mark.parametrize("name", ["IOUloss", "box_losses", "RankCriterionv2", "MaxAssigner"])
def test_other_names_of_what_stays_with_training(tmp_path: Path, name: str) -> None:
    main = f"""
class {name}(nn.Module):
    def forward(self, x):
        return F.conv2d(x, torch.ones(8, 3, 1, 1)).argmax(1)
"""
    assert found(analysis(tmp_path, main)) == []
    assert [code for code, _ in found(analysis(tmp_path, main.replace(name, "Gloss")))] == ["ANE203"]


def test_a_transform_of_data_nobody_asked_for_is_not_checked(tmp_path: Path) -> None:
    """Told by the class it is made from, wherever that is kept; not by its name."""
    package = tmp_path / "torchvision" / "transforms"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("")
    (package / "__init__.py").write_text("from .transforms import *\n")
    (package / "transforms.py").write_text(
        "import torch\n\nclass RandomCrop(torch.nn.Module):\n    def forward(self, x):\n        return x\n"
    )
    main = """
from torchvision import transforms as T
class Crop(T.RandomCrop):
    def forward(self, x):
        return x.argmax(1)
class RandomCrop(nn.Module):
    def forward(self, x):
        return T.RandomCrop()(x).argmax(1)
"""
    result = analysis(tmp_path, main)
    assert found(result) == [("ANE203", 11)]
    (told,) = [
        text for model in result.models if model.name == "Crop" for text in model.assumed if "transforms" in text
    ]
    assert told == "transforms of data run ahead of a model, so no rule is applied; give an entry to apply them"
    asked = main.replace("class Crop", "# ane: input(1x8x4)\nclass Crop")
    assert found(analysis(tmp_path, asked)) == [("ANE203", 9), ("ANE203", 12)]
    anything = "from torchvision import transforms as T\nclass Flip(T.RandomCrop):\n    def forward(self, *inputs):\n        return inputs[0].flip(1)\n"
    (model,) = analysis(tmp_path, anything).models
    assert model.assumed == (told,)  # what they are given is not looked for


def test_a_model_is_checked_as_it_is_converted_even_if_the_script_trains_it(tmp_path: Path) -> None:
    main = """
class Net(nn.Module):
    def forward(self, x):
        if self.training:
            x = x[torch.randn(4).argsort()]
        return x.relu()
model = Net().train()
out = model(torch.randn(4, 8))
model.train()
model(out)
"""
    result = analysis(tmp_path, main)
    assert found(result) == []
    assert [[op.kind for op in graph.ops] for graph in result.graphs] == [["relu"], ["relu"]]


def test_what_only_an_undecided_branch_does_is_said_to_be_so(tmp_path: Path) -> None:
    main = """
class Net(nn.Module):
    def __init__(self, flip):
        super().__init__()
        self.flip = flip
    def forward(self, x: torch.Tensor):
        '''x: (batch, 3, 8, 8)'''
        if self.flip:
            x = torch.rot90(x)
        return torch.fmod(x, 2)
"""
    rotated, rest = [f for f in analysis(tmp_path, main).findings if f.code == "ANE101"]
    assert (rotated.severity, rest.severity) == ("warning", "error")
    assert rotated.message.endswith("Holds only if the branch that leads here is taken.")
    assert "branch" not in rest.message
    decided = main + "Net(True).eval()(torch.randn(1, 3, 8, 8))\n"
    assert [f.severity for f in analysis(tmp_path, decided).findings if f.code == "ANE101"] == ["error", "error"]


def test_parameters_that_may_be_plain_numbers_are_not_called_tensors(tmp_path: Path) -> None:
    main = """
class Bias(nn.Module):
    def forward(self, i, j):
        if i > j:
            return torch.arange(j, i)
        return torch.arange(j - i, j) * int(j)
class Sum(nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            return x * int(x.max())
        return x
"""
    result = found(analysis(tmp_path, main))
    assert [line for code, line in result if code in ("ANE601", "ANE602", "ANE605")] == [12, 13]


def test_an_operand_that_is_not_known_is_no_tensor_of_the_graph(tmp_path: Path) -> None:
    main = """
class Net(nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.weights = weights
    def forward(self, x):
        return torch.einsum("lbnd,vbnl->vbnd", self.weights(1), x) ** 2
"""
    result = analysis(tmp_path, main)
    assert "ANE901" not in {code for code, _ in found(result)}
    (graph,) = result.graphs
    assert [value.origin for op in graph.ops if op.kind.endswith("einsum") for value in op.input_values()] == ["input"]
    assert not any(op.folds for op in graph.ops)


WITH_LOSS = """
def ranking_loss(scores, labels):
    return (scores.cumsum(-1) - labels.sort(-1).values).mean()

class Wrapper(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(8, 8)
    def forward(self, x, labels):
        x = x.argmax(-1, keepdim=True) + x
        scores = self.head(x)
        target = labels.cumsum(-1)
        loss = F.huber_loss(scores, target) + ranking_loss(scores, labels)
        return {returned}
"""


def test_a_loss_beside_the_answer_is_no_part_of_inference(tmp_path: Path) -> None:
    for returned in ("loss, scores", "loss"):
        result = analysis(tmp_path, WITH_LOSS.format(returned=returned))
        severe = [(f.code, f.span.line) for f in result.findings if f.severity in ("error", "warning")]
        assert severe == [("ANE203", 13)]
        (loss,) = [f for f in result.findings if f.code == "ANE101"]
        assert (loss.span.line, loss.severity) == (16, "information")


def test_probabilities_made_for_a_loss_are_part_of_it(tmp_path: Path) -> None:
    main = """
class Task(nn.Module):
    def __init__(self, student):
        super().__init__()
        self.student = student
        self.head = nn.Linear(8, 8)
    def forward(self, x: torch.Tensor, target):
        known = F.log_softmax(self.head(x), dim=-1)
        other = F.log_softmax(self.student(x), dim=-1)
        return F.kl_div(known, target, log_target=True) + F.kl_div(other, target, log_target=True)
"""
    assert "ANE502" not in {code for code, _ in found(analysis(tmp_path, main))}


def test_a_loss_an_entry_asks_for_is_refused(tmp_path: Path) -> None:
    main = WITH_LOSS.format(returned="loss, scores").replace("class", "# ane: input(2x8, 2x8)\nclass")
    assert [(f.code, f.span.line) for f in analysis(tmp_path, main).findings if f.severity == "error"] == [
        ("ANE101", 17)
    ]


def test_indices_are_integers_where_a_docstring_or_their_name_says_so(tmp_path: Path) -> None:
    main = '''
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.zeros(100, 2, 8))
    def forward(self, x: torch.Tensor, places: torch.Tensor, patch_ids: torch.Tensor):
        """
        places (`torch.LongTensor` of shape `(batch, patches, 2)`): where each patch is.
        """
        x = x + self.table[places.clamp(min=0).long(), torch.arange(2)].sum(-2)
        b, n = patch_ids.shape
        return x + self.table[patch_ids.long(), 0]
'''
    result = analysis(tmp_path, main)
    (graph,) = result.graphs
    assert [v.type.dtype for v in graph.inputs if v.name != "x"] == ["i64", "i64"]
    assert "ANE252" not in {code for code, _ in found(result)}


def test_a_cast_for_models_in_bfloat16_says_nothing_about_others(tmp_path: Path) -> None:
    main = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.AvgPool2d(2)
    def forward(self, x):
        if x.dtype == torch.bfloat16:
            return self.pool(x.float()).to(torch.bfloat16)
        return {}
"""
    assert "ANE117" not in {code for code, _ in found(analysis(tmp_path, main.format("self.pool(x)")))}
    assert "ANE117" in {code for code, _ in found(analysis(tmp_path, main.format("self.pool(x).to(torch.bfloat16)")))}


def test_a_constant_nobody_reads_is_no_answer_where_the_answers_are_not_known(tmp_path: Path) -> None:
    main = """
class Net(nn.Module):
    def __init__(self, parts):
        super().__init__()
        self.parts = parts
    def forward(self, x: torch.Tensor):
        starts = torch.tensor([[2, 3], [4, 5]]).prod(1).cumsum(0)
        x = torch.erfinv(x)
        return self.parts(x, starts)
"""
    assert [place for place in found(analysis(tmp_path, main)) if place[0] == "ANE101"] == [("ANE101", 11)]


def test_a_mask_that_hides_nothing_brings_no_infinity(tmp_path: Path) -> None:
    main = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.attend = nn.MultiheadAttention(16, 2, batch_first=True)
    def forward(self, x):
        keep = torch.ones({}, dtype=torch.bool)
        return self.attend(x, x, x, key_padding_mask=~keep, need_weights=True)[0]
Net().eval()(torch.randn(1, 8, 16))
"""
    hidden = main.replace("dtype=torch.bool)", "dtype=torch.bool).tril()")
    assert "ANE801" not in {code for code, _ in found(analysis(tmp_path, main.format("(x.shape[0], x.shape[1])")))}
    assert "ANE801" in {code for code, _ in found(analysis(tmp_path, hidden.format("(x.shape[0], x.shape[1])")))}


def test_a_permutation_of_six_axes_that_comes_back_converts_as_an_einsum_too(tmp_path: Path) -> None:
    main = """
class Net(nn.Module):
    def __init__(self, unknown):
        super().__init__()
        self.unknown = unknown
    def forward(self, x: torch.Tensor, h: int, w: int):
        y = self.unknown(x).reshape(x.shape[0], h, w, 3, 2, 2)
        y = torch.einsum("nhwcpq->nchpwq", y)
        return y.reshape(x.shape[0], 3, h * 2, w * 2)
"""
    assert "ANE105" not in {code for code, _ in found(analysis(tmp_path, main))}


ENDING = """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3), nn.Conv2d({channels}, 8, 3)
    def forward(self, x):
        x = self.first(x)
        {then}
        return self.second(x)
{call}
"""


@pytest.mark.parametrize(
    ("channels", "then", "reason"),
    [
        (8, "pass", None),
        (8, "x = self.second(x).missing", "AttributeError: 'Tensor' object has no attribute 'missing'"),
        (8, "raise ValueError('no')", "ValueError: no"),
        (8, "try:\n            raise ValueError('no')\n        except ValueError:\n            pass", None),
        (9, "pass", "RuntimeError: conv2d: expected input channels to be weight's times groups (8 and 9)"),
    ],
)
@pytest.mark.parametrize("call", ["", "Net()(torch.zeros(1, 3, 8, 8))"])
def test_a_model_whose_run_ends_early_says_so(
    tmp_path: Path, channels: int, then: str, reason: str | None, call: str
) -> None:
    (model,) = analysis(tmp_path, ENDING.format(channels=channels, then=then, call=call)).models
    assert [part.text.partition("ends with ")[2] for part in model.lost] == ([reason] if reason else [])
