"""What depends on something unknown is unknown, what does not is known; sizes stay sizes; nothing is too large to refuse."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from differential import function

from ane_lsp.graph import Unknown, dims
from ane_lsp.interp.run import Limits, deep, load_file, start
from ane_lsp.interp.symbolic import SymRatio
from ane_lsp.interp.values import OneOf, PyRaise
from ane_lsp.workspace import Workspace

HEADER = """
import collections, copy, dataclasses, enum, functools, itertools, json, math, operator, os, random, re, string, subprocess
import time, uuid, hashlib, pickle, socket, tempfile, io, glob, datetime
U = random.random()


def given(*flags, **how):
    import argparse
    parser = argparse.ArgumentParser()
    made = parser.add_argument(*flags, **how)
    return getattr(parser.parse_args(), made.dest)


"""
B, H = dims.symbol("B"), dims.symbol("H")


def evaluate(tmp_path: Path, body: str, **given: Any) -> Any:
    """What the function body gives, with these global names."""
    path = tmp_path / "case.py"
    source = HEADER + function("case", body)
    interp = start(Workspace(tmp_path, overlays={path: source}), limits=Limits(seconds=60))

    def work() -> Any:
        module = load_file(interp, path, as_main=False)
        assert module is not None
        module.namespace.update(given)
        return interp.call(module.namespace["case"], (), {})

    value = deep(work)
    assert not interp.internal, interp.internal
    return value


UNKNOWN = """
os.environ['ANYTHING']
given('--size', required=True)
given('--size', required=True, type=int)
given('size')
given('sizes', nargs='+')
int(os.environ['ANYTHING'])
isinstance(U, float)
isinstance(U if U > 0.5 else [1], list)
int(U)
float(U)
str(U)
abs(U)
round(U)
len(U)
max(U, 1)
max([1, U])
min(3, U)
sum([1, U])
sorted([U, 1])
list(U)
dict(U)
set([U, 1])
range(U)
f'{U}'
'%s' % U
'{}'.format(U)
'a'.join(['x', U])
'abc'.replace('a', U)
[1, 2, 3, 4, 5][U]
'abc'[U]
{'a': 1}[U]
{'a': 1}.get(U, 2)
math.sqrt(U)
math.ceil(U)
re.sub(U, 'a', 'b')
re.match('a', U)
getattr(U, 'x', 3)
hasattr(U, 'x')
isinstance(U, int)
callable(U)
type(U)
any([0, U])
all([1, U])
list(filter(lambda x: x > U, [1, 2]))
[1, 2].index(U)
[U, 2].index(2)
U in [1, 2]
json.dumps({'a': U})
os.path.join('a', U)
os.path.exists('a')
open('f')
open('f').read()
hash('a')
functools.reduce(lambda a, b: a + b, [1, U])
list(itertools.accumulate([U, 1]))[1]
list(itertools.takewhile(lambda x: x < U, [1, 2]))
operator.add(U, 1)
copy.deepcopy([U])[0]
random.randint(0, 5)
random.choice([1, 2])
time.time()
uuid.uuid4()
hashlib.md5(b'a').hexdigest()
pickle.loads(b'')
subprocess.run(['ls'])
socket.gethostname()
tempfile.mkdtemp()
io.BytesIO().read()
glob.glob('*')
datetime.datetime.now()
eval(U)
input()
os.listdir('.')
os.getcwd()
"""

KNOWN = [
    ("isinstance(U, (list, str))", False),
    ("isinstance(U, (int, float))", True),
    ("any([U, 1])", True),
    ("all([0, U])", False),
    ("len([U, U])", 2),
    ("[U, 1][1]", 1),
    ("list(zip([U], [1]))[0][1]", 1),
    ("dict(a=U, b=2)['b']", 2),
    ("isinstance([U], list)", True),
    ("[1, U].index(1)", 0),
    ("1 in [U, 1]", True),
    ("{'a': U}.get('b', 5)", 5),
    ("(lambda x, y: y)(U, 3)", 3),
    ("sorted([3, 1], key=lambda x: x)", [1, 3]),
    ("[len(x) for x in [[U], [U, U]]]", [1, 2]),
    ("'a' if True else U", "a"),
    ("bool([U])", True),
    ("list(enumerate([U, U]))[1][0]", 1),
    ("random.seed(0)", None),
    ("print(U)", None),
    ("os.environ.get('ANYTHING', 'no')", "no"),
    ("given('--size', required=True, default=3)", 3),
    ("given('size', nargs='?', default=3)", 3),
    ("given('--size')", None),
]

SIZES = [
    ("int(H)", H),
    ("H / 2 * 2 == H", True),
    ("int(H / 2)", dims.floordiv(H, 2)),
    ("math.ceil(H / 7)", dims.ceildiv(H, 7)),
    ("math.floor(H / 7)", dims.floordiv(H, 7)),
    ("int(math.ceil(H / 7) * 7)", dims.ceildiv(H, 7) * 7),
    ("int(H * 0.5)", dims.floordiv(H, 2)),
    ("int(H * 2.0)", H * 2),
    ("int(4 * H / 2)", H * 2),
    ("math.trunc(H / 4)", dims.floordiv(H, 4)),
    ("H // 2 * 2 + H % 2 == H", None),
    ("max(H, 1)", H),
    ("min(H, 1)", 1),
    ("max(H, 7)", dims.maximum(H, 7)),
    ("sum([H, H, 1])", H * 2 + 1),
    ("math.prod([B, H, 4])", B * H * 4),
    ("math.sqrt(H * H) == H", True),
    ("int((H * H) ** 0.5)", H),
    ("int((H * W) ** 0.5)", None),
    ("abs(H)", H),
    ("round(H / 1)", H),
    ("isinstance(H, int), isinstance(H / 2, float), isinstance(H / 2, int)", (True, True, False)),
    ("H > 0, H >= 1, H < 1, H / 2 > 0, H == 0", (True, True, False, True, False)),
    ("H / H", 1.0),
    ("divmod(2 * H, 2)", (H, 0)),
    ("operator.mul(H, 2)", H * 2),
    ("operator.floordiv(H, 2)", dims.floordiv(H, 2)),
    ("functools.reduce(operator.mul, (B, H, 2))", B * H * 2),
    ("[H] * 2", [H, H]),
    ("(B, H)[1:]", (H,)),
    ("list(map(int, (B, H)))", [B, H]),
    ("math.gcd(H, 1)", 1),
    ("round(H / 2)", None),
    ("range(H)", None),
    ("f'{H}'", None),
    ("int(H * 0.1)", None),
    ("math.log2(H)", None),
    ("float('inf') > H", True),
    ("tuple(x // 2 for x in (B * 2, H))", (B, dims.floordiv(H, 2))),
    ("-(-H // 7) == math.ceil(H / 7)", True),
    # Where the divisor is 0 Python raises, so what it gives is the quotient.
    ("int(B * (H // 64) / (H // 64))", B),
    ("int(B * (H // 64) * (W // 8) / (H // 64 * 64 * (W // 8) * 8 / 8 / 64))", B),
    ("B * (H - 3) // (H - 3), B * (H - 3) % (H - 3)", (B, 0)),
    ("(B * (H // 64) + 1) // (H // 64)", None),
    ("1 + (H - 1) // 2", 1 + dims.floordiv(H - 1, 2)),
    ("H is not None", True),
    ("bool(H)", True),
    ("{H: 1}[H]", 1),
    ("H in (H, 1)", True),
]

BOMBS = """
'a' * 10 ** 9
[0] * 10 ** 9
10 ** 10 ** 8
2 ** 10 ** 7
1 << 10 ** 9
list(range(10 ** 9))
tuple(range(10 ** 12))
set(range(10 ** 9))
sorted(range(10 ** 9))
list(range(10 ** 30))
'{:>1000000000}'.format('a')
f'{1:>1000000000}'
f'{"a":>{10 ** 9}}'
'%1000000000d' % 1
'%*d' % (10 ** 9, 1)
'a'.ljust(10 ** 9)
'a'.center(10 ** 9)
'7'.zfill(10 ** 9)
'a\\t'.expandtabs(10 ** 9)
('a' * 10000).replace('a', 'b' * 10000)
('ab' * 1000).join(['x'] * 100000)
int('9' * 1000000)
math.factorial(10 ** 7)
math.comb(10 ** 7, 10 ** 6)
list(itertools.count())
list(itertools.cycle([1]))
list(itertools.repeat(1))
list(itertools.product(range(1000), repeat=4))
list(itertools.permutations(range(30)))
bytes(10 ** 10)
re.match('(a+)+$', 'a' * 50 + 'b')
re.match('(a|aa)+$', 'a' * 60 + 'b')
re.match('(?:x*x*)*y', 'x' * 60)
re.sub('a', 'b' * 100000, 'a' * 100000)
json.dumps(list(range(10 ** 7)))
dict.fromkeys(range(10 ** 9))
collections.deque(range(10 ** 9))
collections.Counter(range(10 ** 9))
str(3 ** 100000)
(5).to_bytes(10 ** 9, 'big')
math.prod([10 ** 1000] * 100000)
"""


def lines(table: str) -> list[str]:
    return [line for line in table.strip().splitlines() if line.strip()]


def test_unknown_stays_unknown(tmp_path: Path) -> None:
    guessed = []
    for body in lines(UNKNOWN):
        value = evaluate(tmp_path, body)
        if not isinstance(value, Unknown):
            guessed.append(f"{body}: {value!r}")
        else:
            assert value.reason, body
    assert not guessed, "\n".join(guessed)


@pytest.mark.parametrize(("body", "expected"), KNOWN)
def test_known_beside_unknown(tmp_path: Path, body: str, expected: Any) -> None:
    value = evaluate(tmp_path, body)
    assert type(value) is type(expected)
    assert value == expected


@pytest.mark.parametrize(("body", "expected"), SIZES)
def test_sizes(tmp_path: Path, body: str, expected: Any) -> None:
    """None: nobody can say."""
    value = evaluate(tmp_path, body, H=H, B=B, W=dims.symbol("W"))
    if expected is None:
        assert isinstance(value, Unknown), value
    else:
        assert value == expected
        assert type(value) is type(expected)


def test_quotients_round_as_floats_do() -> None:
    for size in (1, 2, 3, 7, 13, 224, 1000003):
        for divisor in (1, 2, 3, 7, 16, 100):
            ratio = SymRatio.of(H, divisor)
            top, bottom = (dims.bind(v, {"H": size}) for v in (ratio.numerator, ratio.denominator))
            assert isinstance(top, int)
            assert isinstance(bottom, int)
            assert top / bottom == size / divisor


def test_bombs_are_refused(tmp_path: Path) -> None:
    done = []
    for body in lines(BOMBS):
        began = time.monotonic()
        value = evaluate(tmp_path, body)
        if not isinstance(value, Unknown):
            done.append(f"{body}: {str(value)[:60]}")
        elif time.monotonic() - began > 20:
            done.append(f"{body}: took {time.monotonic() - began:.1f} s")
    assert not done, "\n".join(done)


def test_several_values_are_spread(tmp_path: Path) -> None:
    two = OneOf((2, 3))
    value = evaluate(tmp_path, "int(n), [7, 8, 9, 10][n], {2: 'p', 3: 'q'}.get(n), max(n, 1), 'ab' * n, str(n)", n=two)
    assert [set(v.options) for v in value] == [{2, 3}, {9, 10}, {"p", "q"}, {2, 3}, {"abab", "ababab"}, {"2", "3"}]
    assert evaluate(tmp_path, "n > 1, isinstance(n, int), n in (2, 3), len([n])", n=two) == (True, True, True, 1)
    kept = evaluate(tmp_path, "a = []\na.append(n)\nd = {}\nd.setdefault('k', n)\nd.update(x=n)\nreturn a, d", n=two)
    assert kept == ([two], {"k": two, "x": two})


def test_an_option_that_raises_is_left_out(tmp_path: Path) -> None:
    assert evaluate(tmp_path, "int(x)", x=OneOf(("5", "no"))) == 5
    with pytest.raises(PyRaise):
        evaluate(tmp_path, "int(x)", x=OneOf(("yes", "no")))


def test_changes_nobody_can_follow_spoil_the_container(tmp_path: Path) -> None:
    value = evaluate(tmp_path, "a = [1, 2, 3]\na.pop(U)\nreturn a")
    assert len(value) == 2
    assert all(isinstance(v, Unknown) for v in value)
    value = evaluate(tmp_path, "a = [1, 2, 3]\na.sort(key=lambda x: x * U)\nreturn a")
    assert len(value) == 3
    assert all(isinstance(v, Unknown) for v in value)
    value = evaluate(tmp_path, "a = [1, 2]\na.insert(U, 3)\nreturn len(a), a")
    assert value[0] == 3
    assert all(isinstance(v, Unknown) for v in value[1])


def test_something_unknown_is_shuffled(tmp_path: Path) -> None:
    """Of what it is, or may be, only lists change."""
    shuffle = (
        "class Mine(list): pass\nmine, other, alike = Mine([1, 2]), [1, 2], [3, 3, 3]\nif U:\n    random.shuffle(U)\n"
    )
    shuffle += "    random.shuffle(mine)\nrandom.shuffle(other if U else alike)\nreturn len(mine), mine[0], len(other), other[0]"
    length, first, other_length, other_first = evaluate(tmp_path, shuffle)
    assert (length, other_length) == (2, 2)
    assert isinstance(first, Unknown)
    assert isinstance(other_first, Unknown)
