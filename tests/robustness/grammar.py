"""One example of every statement and expression of the grammar, by the Python version that first parsed it."""

from __future__ import annotations

SYNTAX: dict[tuple[int, int], str] = {
    (3, 8): '''
"""doc"""
from __future__ import annotations
import os, sys as system
import os.path
from os import (path as p, sep,)
from math import *
x: int
x: int = 1
x = y = 2
a, (b, *c), [d] = 1, (2, 3), [4]
x += 1; x -= 1; x *= 2; x /= 2; x //= 1; x %= 7; x **= 2; x <<= 1 if isinstance(x, int) else 0
del x, (y)
assert True, "message"
pass
if (n := 3) > 2: pass
elif n: pass
else: pass
for i in range(3):
    if i: continue
    break
else: pass
while False: pass
else: pass
try: pass
except (ValueError, TypeError) as e: raise
except: pass
else: pass
finally: pass
with open("f") as f, open("g"): pass
def f(a, b=1, /, c: int = 2, *args: int, d, e=3, **kwargs: str) -> None:
    global G
    G = 1
    def inner():
        nonlocal a
        a = 2
    inner()
    return a
class C(object, metaclass=type):
    "doc"
    attr: int = 1
async def g():
    async with f as h: pass
    async for i in h: yield i
    await h
    return
def gen():
    got = yield
    yield 1, 2
    yield from gen()
f(1, *[2], d=4, **{})
lambda a, /, b=1, *c, d, **e: (a, b)
[i for i in range(3) if i if i > 1 for j in range(i)]
{i for i in "ab"}
{i: i for i in "ab"}
(i for i in "ab")
{1, 2}; {1: 2, **{}}; [*[], 1]; (*(), 1); (); []; {}
1 if True else 2
not 1; -1; +1; ~1
1 + 2 - 3 * 4 / 5 // 6 % 7 ** 8 @ 9 if False else 0
1 << 2 >> 3 & 4 | 5 ^ 6
1 < 2 <= 3 != 4 == 4 >= 3 > 2 is not None
1 is 1 in [1] not in [2]
1 and 2 or 3
"a" 'b' """c""" r"d" f"g{1!r:>{5}}{'h'}" u"i"; b"e" rb"f"
0x1F; 0o17; 0b11; 1_000; 1e3; 1j; ...; None; True
f.g[1:2:3, ..., ::1, None][-1]
f"{n=}"
''',
    (3, 9): '''
x = [lambda f: f]
@x[0]
def f(): pass
d = {} | {"a": 1}
d |= {"b": 2}
list[int]
dict[str, list[int]]
''',
    (3, 10): '''
import os
with (open("f") as f, open("g") as g,): pass
v = os.environ
match v:
    case 0 | -1 | 1.5 | 1 + 2j | "s" | b"s" | None | True: pass
    case [1, *rest] | (1, 2, *rest): pass
    case {"k": 1, **rest}: pass
    case str(x) as y if y: pass
    case os.sep: pass
    case {"a": [{"b": (1, _)}]}: pass
    case complex(real=0, imag=z): pass
    case _: pass
match = case = 1
match[case]
x: int | None = None
''',
    (3, 11): '''
try:
    raise ExceptionGroup("g", [ValueError()])
except* ValueError as e: pass
except* (TypeError, KeyError): pass
else: pass
finally: pass
def f(*args: *tuple[int]): pass
x = (1, 2)
d = {(1, 2, 1, 2): 3}
d[*x, *x]
''',
    (3, 12): '''
type Pair[T] = tuple[T, T]
type Any2 = int
def first[T: int, *Ts, **P](x: T) -> T: return x
class Box[T: (int, str)]:
    def get[U](self, u: U) -> T: return u
first(1)
Box().get(1)
Box[int]()
names = ["a"]
f"{"nested" + f"{"more"}"}{
    1 + 1  # a comment
}{names["a" == "b"]}"
''',
    (3, 13): '''
type Default[T = int, *Ts = *tuple[int], **P = [int]] = list[T]
def f[T = int](x: T) -> T: return x
class Box[T = str]: pass
f(1)
Box()
''',
    (3, 14): '''
name = "x"
t"hello {name!r:>10} {name=}"
try: pass
except ValueError, TypeError: pass
def f():
    try: pass
    finally: pass
''',
}  # fmt: skip
