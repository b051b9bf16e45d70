"""What modules lead to, written down for calls on tensors and on probes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from programs import finished

from ane_lsp.interp.record import Recorder
from ane_lsp.interp.seen import NotKept, Piece, Pieces

PROGRAM = """\
import torch
from torch import nn

class Options:
    def __init__(self):
        self.a = self.b = self.c = self.d = self.e = self.f = self.g = self.h = self.i = self.j = self.k = self.l = 0
        self.names = ["a"]

class Inner(nn.Module):
    def __init__(self, held):
        super().__init__()
        self.held = held
        self.register_buffer("table", torch.zeros(held if held is what else 2))

class Net(nn.Module):
    def __init__(self, held):
        super().__init__()
        self.inner = nn.ModuleList([Inner(held)])

what = input().split()
options = Options()
known, sized, told, configured = Net(1), Net(what), Net([input()]), Net(options)
"""


@pytest.fixture
def names(tmp_path: Path) -> Any:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    _, space = finished(path)
    return space


def piece_of(net: Any, pieces: Pieces, probing: bool) -> Piece:
    """What the part of a model leads to, in a new graph."""
    recorder = Recorder()
    recorder.begin(net, [], None)
    return pieces.of(recorder, net.attrs["_modules"]["inner"], probing)


def test_what_is_alike_on_probes_is_written_down_once(names: Any) -> None:
    pieces = Pieces({}, set(), {})
    first = piece_of(names["known"], pieces, True)
    assert piece_of(names["known"], pieces, False) is first
    assert piece_of(names["known"], pieces, True) is first


def test_a_tensor_of_unknown_size_has_a_key_on_probes_only(names: Any) -> None:
    net = names["sized"]
    del net.attrs["_modules"]["inner"].attrs["_modules"]["0"].attrs["held"]
    pieces = Pieces({}, set(), {})
    piece_of(net, pieces, True)
    with pytest.raises(NotKept):
        piece_of(net, pieces, False)


def test_a_value_nobody_knows_is_told_by_its_reasons_which_count_on_tensors_only(names: Any) -> None:
    pieces = Pieces({}, set(), {})
    held = names["told"].attrs["_modules"]["inner"].attrs["_modules"]["0"].attrs
    (unknown,) = held["held"]
    first = {probing: piece_of(names["told"], pieces, probing).number for probing in (False, True)}
    for other, same in [
        (replace(unknown), {False, True}),
        (replace(unknown, reason="another"), {True}),
        (replace(unknown, cause=unknown), {True}),
        (replace(unknown, number=True), set()),
    ]:
        held["held"] = [other]
        fresh = Pieces({}, set(), {})
        fresh._numbers, fresh._last = pieces._numbers, pieces._last
        assert {p for p in first if piece_of(names["told"], fresh, p).number == first[p]} == same


def test_the_unknown_shape_of_a_probe_has_a_key_on_tensors_only(names: Any) -> None:
    (unknown,) = names["told"].attrs["_modules"]["inner"].attrs["_modules"]["0"].attrs["held"]
    pieces = Pieces({}, set(), {id(unknown)})
    piece_of(names["told"], pieces, False)
    with pytest.raises(NotKept):
        piece_of(names["told"], pieces, True)


def test_a_large_object_is_written_down_once_and_what_holds_it_knows_its_changes(names: Any) -> None:
    covered: dict[int, Any] = {}
    net, pieces = names["configured"], Pieces(covered, set(), {})
    first = piece_of(net, pieces, False)
    assert piece_of(net, pieces, False) is first
    options = names["options"].attrs
    assert any(piece.module is names["options"] for piece in covered[id(options)])
    pieces.written(options["names"])
    options["names"].append("b")
    assert piece_of(net, pieces, False).number != first.number
    pieces.written(options["names"])
    options["names"].pop()
    assert piece_of(net, pieces, False).number == first.number
