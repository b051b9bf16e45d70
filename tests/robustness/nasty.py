"""Sources written to hang, to flood memory, or to confuse: each by its name.

Every one ends with a small model, so that a test can ask whether the rest of the file is still understood.
"""

from __future__ import annotations

MODEL = """
import torch
from torch import nn


class Last(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.MaxPool2d(9)

    def forward(self, x):
        return self.pool(x)


Last()(torch.zeros(1, 3, 64, 64))
"""

# The program goes on after these: the model at the end must still be found.
SURVIVED: dict[str, str] = {
    "long sum": "x = " + " + ".join(["1"] * 3000) + "\n",
    "deep parentheses": "x = " + "(" * 90 + "1" + ")" * 90 + "\n",
    "deep lists": "x = " + "[" * 90 + "]" * 90 + "\n",
    "deep subscripts": "a = []\na.append(a)\nx = a" + "[0]" * 500 + "\n",
    "long attribute chain": "class A:\n    pass\nA.a = A\nx = A" + ".a" * 500 + "\n",
    "long call chain": "def f():\n    return f\nx = f" + "()" * 150 + "\n",
    "many unary": "x = " + "-" * 500 + "1\ny = " + "not " * 500 + "1\n",
    "deep if": "".join("    " * i + "if unknown:\n" for i in range(90)) + "    " * 90 + "x = 1\n",
    "long elif": "import sys\nv = len(open('x').read())\nif v == 0:\n    x = 0\n"
    + "".join(f"elif v == {i}:\n    x = {i}\n" for i in range(1, 300)),
    "nested functions": "".join("    " * i + f"def f{i}():\n" for i in range(90)) + "    " * 90 + "return 1\nf0()\n",
    "nested classes": "".join("    " * i + f"class C{i}:\n" for i in range(90)) + "    " * 90 + "pass\n",
    "ternaries": "v = open('x').read()\nx = " + " ".join(f"{i} if v == {i} else" for i in range(200)) + " 0\n",
    "many locals": "\n".join(f"x{i} = {i}" for i in range(20_000)) + "\n",
    "wide call": "def f(*a, **k):\n    return len(a)\nf(" + ", ".join(["1"] * 5000) + ")\n",
    "torch as a number": "import torch as t2\ntorch = 5\ntry:\n    torch.zeros(3)\nexcept AttributeError:\n    pass\n",
    "nn as a class": "class nn:\n    Module = object\nclass A(nn.Module):\n    pass\nA()\n",
    "builtins shadowed": "len = range = isinstance = super = type = print = 7\ndel len, range, isinstance, super, type\n",
    "builtins patched": "import builtins\nbuiltins.len = lambda x: 99\nbuiltins.isinstance = None\nlen([])\n"
    "builtins.len = None\n",
    "own base": "try:\n    class A(A):\n        pass\nexcept NameError:\n    pass\n",
    "base replaced by itself": "class A:\n    pass\nclass A(A):\n    pass\nclass A(A, object):\n    pass\nA()\n",
    "bases assigned": "class A:\n    pass\nA.__bases__ = (A,)\nA.__mro__ = [A, A]\nA().x = 1\n",
    "mro conflict": "class A: pass\nclass B(A): pass\ntry:\n    class C(A, B): pass\nexcept TypeError:\n    pass\n",
    "class reassigned": "class A:\n    def f(self): return 1\nclass B:\n    def f(self): return 2\na = A()\n"
    "a.__class__ = B\na.f()\na.__class__ = 5\na.__dict__ = {}\n",
    "metaclass": "class M(type):\n    def __call__(cls, *a): return cls\n    def __getattr__(cls, n): return cls\n"
    "    def __getitem__(cls, i): return cls[i] if i < 3 else cls\n"
    "    def __iter__(cls): return iter([cls])\n    def __instancecheck__(cls, o): return True\n"
    "class A(metaclass=M): pass\nA()()()\nA.x.y.z\nA[0]\nlist(A)\nisinstance(3, A)\n",
    "metaclass of itself": "class M(type): pass\nclass N(M, metaclass=M): pass\nclass O(N, metaclass=N): pass\n"
    "class P(metaclass=lambda n, b, d: 5): pass\nP + 1\n",
    "metaclass prepare": "class D(dict):\n    def __missing__(self, k): return k\n"
    "class M(type):\n    @classmethod\n    def __prepare__(m, n, b): return D()\nclass A(metaclass=M):\n    x = undefined\n",
    "init_subclass loop": "class A:\n    def __init_subclass__(cls):\n        class X(cls): pass\n"
    "try:\n    class B(A): pass\nexcept RecursionError:\n    pass\n",
    "set_name": "class D:\n    def __set_name__(self, o, n): setattr(o, n, self)\n    def __get__(self, o, t): return o.x\n"
    "class A:\n    x = D()\ntry:\n    A().x\nexcept RecursionError:\n    pass\n",
    "self-containing list": "a = []\na.append(a)\na == a\nstr(a)\nrepr(a)\nb = [a, a]\nb[0] = b\nsorted([1])\nf'{a}{b}'\n"
    "import copy\ncopy.deepcopy(a)\nlist(a)\nhash((1,))\na in a\na + a\n[] == a\nb == a\n",
    "self-containing dict": "d = {}\nd['d'] = d\nstr(d)\nd == d\ne = {}\ne['d'] = e\nd == e\nimport copy\ncopy.deepcopy(d)\n"
    "import json\ntry:\n    json.dumps(d)\nexcept ValueError:\n    pass\n",
    "self-containing tuple": "a = []\nt = (a,)\na.append(t)\nstr(t)\ntry:\n    hash(t)\nexcept TypeError:\n    pass\n",
    "own type alias": "from __future__ import annotations\nfrom typing import Union, List\nX = List['X']\nX[X][X]\n",
    "recursion": "def f(n):\n    return f(n + 1)\ntry:\n    f(0)\nexcept RecursionError:\n    pass\n",
    "mutual recursion": "def f(n):\n    return g(n)\ndef g(n):\n    return f([n])\ntry:\n    f(0)\nexcept RecursionError:\n"
    "    pass\n",
    "property recursion": "class A:\n    @property\n    def x(self): return self.x\ntry:\n    A().x\nexcept RecursionError:\n"
    "    pass\n",
    "getattr recursion": "class A:\n    def __getattr__(self, n): return getattr(self, n + 'x')\ntry:\n    A().x\n"
    "except RecursionError:\n    pass\n",
    "getattribute recursion": "class A:\n    def __getattribute__(self, n): return self.x\ntry:\n    A().x\n"
    "except RecursionError:\n    pass\n",
    "getitem recursion": "class A:\n    def __getitem__(self, n): return self[n]\ntry:\n    A()[0]\nexcept RecursionError:\n"
    "    pass\n",
    "setattr recursion": "class A:\n    def __setattr__(self, n, v): self.x = v\ntry:\n    A().y = 1\nexcept RecursionError:\n"
    "    pass\n",
    "eq recursion": "class A:\n    def __eq__(self, o): return self == o\n    def __bool__(self): return bool(self)\n"
    "    def __len__(self): return len(self)\n    def __hash__(self): return hash(self)\n"
    "    def __repr__(self): return repr(self)\n    def __iter__(self): return iter(self)\n"
    "    def __add__(self, o): return self + o\n    def __call__(self): return self()\n"
    "for f in (lambda a: a == a, bool, len, hash, repr, list, lambda a: a + a, lambda a: a()):\n"
    "    try:\n        f(A())\n    except RecursionError:\n        pass\n",
    "hash and eq": "class A:\n    def __hash__(self): return 1\n    def __eq__(self, o): return 5 / 0\n"
    "d = {A(): 1}\ntry:\n    d[A()]\nexcept ZeroDivisionError:\n    pass\ns = {A(), A()}\n",
    "bool that raises": "class A:\n    def __bool__(self): raise ValueError\ntry:\n    if A(): pass\nexcept ValueError:\n    pass\n",
    "iterator that changes its list": "a = [1]\nfor x in a:\n    if len(a) < 100:\n        a.append(x)\nd = {1: 1}\n"
    "try:\n    for k in d:\n        d[k + 1] = 1\nexcept RuntimeError:\n    pass\n",
    "decorator recursion": "def deco(f):\n    return deco\n@deco\n@deco\n@deco\ndef f(): pass\nf(f)(f)(f)\n",
    "huge integer": "x = 10 ** 1_000_000\ny = 7 ** 7 ** 7 ** 7\nz = 1 << (1 << 40)\nx * x\nstr(x)\npow(3, 10**9)\n"
    "int('9' * 5000)\nf'{x}'\nx ** x\nx // 3\nx % 7\n'%d' % x\nhex(x)\nround(x, -10)\n",
    "million digits": "x = " + "9" * 4000 + "\ny = 0x" + "f" * 1_000_000 + "\ny * y\ny ** 3\nstr(y)\nrange(y)\n[0] * y\n",
    "huge float": "x = 1e308 * 10\ny = x - x\nint(1e300)\ntry:\n    int(x)\nexcept OverflowError:\n    pass\n2.0 ** 5000.0\n",
    "text bomb": "s = 'a'\nfor i in range(200):\n    s = s + s\nt = 'x' * 10 ** 12\nb = b'x' * 10 ** 12\n'%1000000000d' % 3\n"
    "'{:1000000000}'.format(3)\nf'{3:>1000000000}'\n'x'.ljust(10**10)\n'x'.zfill(10**10)\n'a'.center(10**10)\n"
    "'\\t'.expandtabs(10**10)\n'ab'.replace('', s)\n','.join([s] * 100)\nbytes(10**12)\nbytearray(10**12)\n",
    "list bomb": "a = [0]\nfor i in range(100):\n    a = a + a\nb = [0] * 10 ** 12\nc = [[0] * 10 ** 6] * 10 ** 6\n"
    "d = [0]\nfor i in range(100):\n    d += d\ne = [0]\nfor i in range(100):\n    e.extend(e)\nf = [0]\nfor i in range(100):\n"
    "    f *= 2\ng = (0,)\nfor i in range(100):\n    g += g\nh = [0]\nfor i in range(64):\n    h[0:0] = h\n",
    "nested bomb": "a = [0]\nfor i in range(200):\n    a = [a, a]\nstr(a)\na == a\nb = [0]\nfor i in range(200):\n"
    "    b = [b, b]\na == b\nimport copy\ncopy.deepcopy(a)\nhash(str(b))\nt = 0\nfor i in range(200):\n    t = (t, t)\n"
    "hash(t)\n{t: 1}\nu = 0\nfor i in range(200):\n    u = (u, u)\nt == u\nt < u\nf'{t}'\n'%s' % (t,)\n"
    "import json\njson.dumps(a)\nimport pickle\nisinstance(1, t)\nissubclass(int, t)\nmax([t, u])\nsorted([t, u])\n"
    "import torch\nl = [torch.zeros(2)]\nfor i in range(60):\n    l = [l, l]\ntorch.tensor(a)\ntorch.stack(l)\n",
    "dict bomb": "d = {}\nfor i in range(10 ** 9):\n    d[i] = i\n    if i > 1000:\n        break\n"
    "d = {0: 0}\nfor i in range(200):\n    d = {0: d, 1: d}\nstr(d)\nd == d\ndict.fromkeys(range(10 ** 12))\n"
    "dict(zip(range(10**12), range(10**12)))\n{**d, **d}\n",
    "set bomb": "s = set(range(10 ** 12))\nfrozenset(range(10 ** 12))\nlist(range(10 ** 12))\ntuple(range(10 ** 12))\n"
    "sorted(range(10 ** 12))\nsum(range(10 ** 12))\nmax(range(10 ** 12))\nany(range(0, 1))\n"
    "min(range(10**12))\nlen(range(10 ** 30))\nreversed(range(10 ** 12))\n10 ** 11 in range(10 ** 12)\n5.5 in range(10**12)\n"
    "all(x >= 0 for x in [1])\nenumerate(range(10 ** 12))\nzip(range(10 ** 12))\nrange(10**12)[5:10**11]\n",
    "permutations": "import itertools\np = itertools.permutations(range(40))\nnext(p)\nlist(itertools.islice(p, 3))\n"
    "c = itertools.combinations(range(100), 50)\nnext(c)\nq = itertools.product(range(100), repeat=100)\nnext(q)\n"
    "itertools.accumulate(range(10**12))\n",
    "regex bomb": "import re\nre.match(r'(a+)+$', 'a' * 40 + 'b')\nre.sub(r'(x+x+)+y', '', 'x' * 5000)\n"
    "re.compile('(' * 5000)\nre.compile('a{1000000}{1000000}')\nre.findall(r'(?:(?:a*)*)*b', 'a' * 60)\n"
    "re.split(r'(.*)*(.*)*(.*)*[^a]', 'a' * 200)\nre.fullmatch('(a|a)*b', 'a' * 50)\n",
    "math bomb": "import math\nmath.factorial(10 ** 8)\nmath.comb(10 ** 7, 5 * 10 ** 6)\nmath.perm(10**7, 10**6)\n"
    "math.prod(range(1, 10 ** 8))\nmath.gcd(10 ** 100000, 7 ** 100000)\nmath.lcm(*range(1, 100000))\nmath.isqrt(10 ** 1000000)\n"
    "math.pow(10, 1000000)\nmath.exp(10 ** 6)\nmath.sqrt(10**400)\n",
    "unknown names": "x = undefined_name\n",
    "del everything": "x = 1\ndel x\ntry:\n    x\nexcept NameError:\n    pass\nclass A: y = 1\ndel A.y\ndel A\nimport torch\n"
    "del torch\n",
    "exec and eval": "exec('x = 1')\neval('2 + 2')\nexec('import os; os.system(\"exit 3\")')\neval('__import__(\"os\")')\n"
    "compile('x', 'y', 'exec')\neval('(' * 200)\neval('eval(\"eval(1)\")')\nexec('exec(\"exec(1)\")')\n"
    "s = 'eval(s)'\ntry:\n    eval(s)\nexcept RecursionError:\n    pass\n",
    "frames": "import sys\nsys._getframe(0).f_globals['x'] = 1\nsys.setrecursionlimit(10 ** 9)\nsys.modules['torch'] = None\n"
    "del sys.modules['torch']\nsys.path.insert(0, '/')\nglobals()['y'] = 2\nlocals()['z'] = 3\nvars()['w'] = 4\n"
    "globals().clear()\n",
    "generators": "def g():\n    yield from g()\ntry:\n    next(g())\nexcept RecursionError:\n    pass\n"
    "def h():\n    x = yield\n    while x:\n        x = yield x\nk = h()\nnext(k)\nk.send(3)\nk.send(0) if False else None\n"
    "k.close()\ntry:\n    k.throw(ValueError)\nexcept Exception:\n    pass\nk = (k for k in k)\n"
    "def m():\n    try:\n        yield 1\n    finally:\n        yield 2\nlist(m())\n",
    "endless iterators, taken from": "import itertools\nnext(itertools.count())\nnext(itertools.cycle([1]))\n"
    "list(itertools.islice(itertools.count(), 5))\nfor i, x in zip(range(3), itertools.count()): pass\n"
    "next(iter(int, 1))\ndict(zip('abc', itertools.repeat(0)))\n",
    "async": "import asyncio\nasync def f():\n    async with a as b:\n        pass\n    async for i in b:\n        yield i\n"
    "    await f()\n    return_ = [x async for x in f()]\nasyncio.run(f())\nf()\nasync def g():\n    return await g()\ng()\n",
    "walrus": "if (n := 10) > 5: pass\n[y := 1, y ** 2]\n[last := i for i in range(5)]\nwhile (n := n - 1) > 0: pass\n"
    "f = lambda: (x := 1)\nf()\n",
    "stars": "a, *b = [1]\n*a, b = [1]\n[*a] = []\n(*a, (b, *c)) = [1, [2, 3]]\nfor a, *b in [(1, 2, 3)]: pass\n"
    "x = *[1], *(2,)\ny = {**{}, 'a': 1}\nprint(*[], **{})\nt = [1, 2, 3]\nt[0], *t[1:] = t\n"
    "try:\n    a, b = range(10 ** 12)\nexcept ValueError:\n    pass\n",
    "decorators of every form": "x = [lambda f: f]\n@x[0]\ndef f(): pass\n@(lambda f: f)\nclass A: pass\n"
    "@(y := x[0])\ndef g(): pass\n@x[0] if True else None\ndef h(): pass\n",
    "match": "def f(v):\n    match v:\n        case 0 | 1: return 1\n        case [a, *rest] if rest: return rest\n"
    "        case {'k': k, **others}: return others\n        case str() as s: return s\n        case A.B: return 2\n"
    "        case Point(x=0, y=y): return y\n        case None | True: return 3\n        case -1.5 + 2j: return 4\n"
    "        case [[[[_]]]]: return 5\n        case _: return 6\nclass A: B = 3\nclass Point:\n    __match_args__ = ('x', 'y')\n"
    "for v in (0, [1, 2], {'k': 1, 'z': 2}, 's', 3, Point(), None, [[[[1]]]], object()):\n    f(v)\n",
    "global and nonlocal": "def f():\n    global q\n    q = 1\n    def g():\n        nonlocal z\n        z = 2\n    z = 0\n    g()\n"
    "    return z\nf()\nq\n",
    "try in every form": "def f():\n    try:\n        return 1\n    finally:\n        return 2\ndef g():\n    while True:\n        try:\n"
    "            break\n        finally:\n            continue_ = 1\ndef h():\n    try:\n        raise ValueError from KeyError()\n"
    "    except (ValueError, KeyError) as e:\n        del e\n    else:\n        pass\n    finally:\n        pass\nf()\ng()\nh()\n"
    "try:\n    raise 5\nexcept TypeError:\n    pass\ntry:\n    raise\nexcept RuntimeError:\n    pass\n",
    "lambda calculus": "Y = lambda f: (lambda x: x(x))(lambda x: f(lambda *a: x(x)(*a)))\n"
    "fact = Y(lambda r: lambda n: 1 if n < 2 else n * r(n - 1))\nfact(10)\n",
    "omega": "try:\n    (lambda x: x(x))(lambda x: x(x))\nexcept RecursionError:\n    pass\n",
    "church bomb": "two = lambda f: lambda x: f(f(x))\ntwo(two)(two)(lambda x: x + 1)(0)\n",
    "partial of partial": "from functools import partial, reduce\np = print\nfor i in range(2000):\n    p = partial(p, i)\np()\n"
    "reduce(lambda a, b: a + b, range(1000))\n",
    "bound of bound": "class A:\n    def f(self): return self.f\na = A()\nb = a.f\nfor i in range(500):\n    b = b()\n",
    "chain of wrappers": "def w(f):\n    def inner(*a): return f(*a)\n    return inner\nf = lambda: 1\nfor i in range(3000):\n"
    "    f = w(f)\ntry:\n    f()\nexcept RecursionError:\n    pass\n",
    "undecided wrappers": "import os\nv = os.environ.get('X')\nx = 0\nfor i in range(60):\n    if v == i:\n        x = [x, i]\n"
    "    else:\n        x = (i, x)\n",
    "undecided fan-out": "import os\nv = os.environ\ndef f(n):\n    if v.get(n):\n        return f(n - 1)\n    else:\n"
    "        return f(n - 2)\ntry:\n    f(40)\nexcept RecursionError:\n    pass\n",
    "undecided list": "import os\nv = os.environ.get('X')\na = []\nfor i in range(200):\n    if v == i:\n        a.append(i)\n"
    "len(a)\nstr(a)\nfor x in a: pass\n",
    "unicode names": "ñ = 1\n变量 = ñ\nℂ = 2\nclass Ⅷ: pass\nª = '\\ud800'\nﬁ = 3\nfi\n",
    "odd line ends": "x = 1\r\ny = 2\n\f\nz = 'a\x0bb\x1cc\u2028d'\n",
    "tabs": "if 1:\n\tx = 1\n\tif 2:\n\t\ty = 2\n",
    "format strings": "x = 3\nf'{x!r:>{x}}{x=}{{}}{f\"{x}\"}'\n'{0.__class__.__mro__}'.format(x)\n'%s %(a)s' % {'a': 1}\n"
    "'{:{}}'.format(1, 10 ** 9)\n'{0[0][0][0]}'.format([[[1]]])\n'%*d' % (10**9, 1)\n",
    "slots and names": "class A:\n    __slots__ = ('a', 'a', '__dict__')\n    __class__ = int\n    __dict__ = 3\n    __name__ = 4\n"
    "A().__class__\nA.__name__\nA().a\n",
    "type()": "T = type('T', (object,), {'x': 1})\nT().x\ntype('U', (T, T), {})\ntype(type(type(T)))\ntype.__call__(type, T)\n"
    "import types\ntypes.new_class('V', (T,))\ntypes.ModuleType('m').x\n",
    "namedtuple": "from collections import namedtuple\nN = namedtuple('N', ['a'] * 3, rename=True)\nnamedtuple('M', 'class def')\n"
    "namedtuple('M', ' '.join('x%d' % i for i in range(5000)))\n",
    "enum": "import enum\nclass E(enum.Enum):\n    A = 1\n    B = A\n    def __getattr__(self, n): return self.x\ntry:\n    E.A.zz\n"
    "except RecursionError:\n    pass\nE(5) if False else 0\nlist(E)\n",
    "dataclass": "from dataclasses import dataclass, field\n@dataclass\nclass D:\n    x: 'D' = None\n    y: list = field("
    "default_factory=lambda: D())\ntry:\n    D()\nexcept RecursionError:\n    pass\n"
    "@dataclass\nclass F:\n    x: int = 1\n    y: int\n",
    "lru_cache recursion": "from functools import lru_cache\n@lru_cache(None)\ndef fib(n): return fib(n - 1) + fib(n - 2) if n > 1 "
    "else n\nfib(90)\n",
    "contextlib": "from contextlib import contextmanager, ExitStack, suppress\n@contextmanager\ndef c():\n    while True:\n"
    "        yield 1\ntry:\n    with c(): pass\nexcept RuntimeError:\n    pass\nwith suppress(Exception): 1 / 0\n",
    "weird tensors": "import torch\nx = torch.zeros(10 ** 9, 10 ** 9, 10 ** 9)\nx + 1\ntorch.zeros(-1)\n",
    "weird tensors 2": "import torch\ntorch.zeros(*range(5000))\n",
    "weird tensors 3": "import torch\ntorch.arange(10 ** 12)\ntorch.tensor(list(range(1000)))\ntorch.arange(10**12).tolist()\n"
    "torch.zeros(10**12).tolist()\n[x for x in torch.zeros(3, 4)]\ntorch.linspace(0, 1, 10**12)\ntorch.eye(10**9)\n",
    "weird tensors 4": "import torch\ntorch.zeros(2, 3)[[[[[0]]]]]\n",
    "weird tensors 5": "import torch\ntorch.zeros(3)[10 ** 30]\n",
    "weird tensors 6": "import torch\ntorch.zeros(3).expand(10 ** 9, 3).reshape(-1).split(1)\n",
    "weird tensors 7": "import torch\nx = torch.zeros(10**9)\nx.chunk(10 ** 9)\nx.unbind()\nlist(x)\n",
    "weird einsum": "import torch\ntorch.einsum('a' * 1000 + ',b->', torch.zeros(2), torch.zeros(2))\n",
    "tensor attributes": "import torch\nx = torch.zeros(3)\nx.x = x\nx.x.x.x\nx.__class__ = int\nx.shape = 3\n",
    "module containing itself": "import torch\nfrom torch import nn\nclass A(nn.Module):\n    def __init__(self):\n"
    "        super().__init__()\n        self.me = self\n    def forward(self, x):\n        return x\na = A()\na(torch.zeros(3))\n"
    "list(a.modules())\nlist(a.parameters())\na.state_dict()\na.train()\na.apply(lambda m: m)\na.to('cpu')\nstr(a)\n"
    "import copy\ncopy.deepcopy(a)\n",
    "module that calls itself": "import torch\nfrom torch import nn\nclass A(nn.Module):\n    def forward(self, x):\n"
    "        return self(x)\ntry:\n    A()(torch.zeros(3))\nexcept RecursionError:\n    pass\n",
    "sequential of itself": "import torch\nfrom torch import nn\ns = nn.Sequential()\ns.append(s)\ntry:\n    s(torch.zeros(3))\n"
    "except RecursionError:\n    pass\n",
    "module without init": "import torch\nfrom torch import nn\nclass A(nn.Module):\n    def __init__(self):\n        self.x = nn.ReLU()\n"
    "class B(nn.Module):\n    def forward(self, x): return self.missing(x)\nA()\nB()(torch.zeros(2))\n",
    "forward that is data": "import torch\nfrom torch import nn\nclass A(nn.Module):\n    forward = 5\nA()(torch.zeros(2))\n",
    "hooks": "import torch\nfrom torch import nn\nm = nn.ReLU()\nm.register_forward_hook(lambda *a: m(a[1]))\ntry:\n"
    "    m(torch.zeros(2))\nexcept RecursionError:\n    pass\n",
    "deep copies": "import copy\nclass A:\n    def __deepcopy__(self, memo): return copy.deepcopy(self)\ntry:\n    copy.deepcopy(A())\n"
    "except RecursionError:\n    pass\n",
    "files and processes": "import os, subprocess, socket, shutil, tempfile, ctypes, multiprocessing, threading, pickle\n"
    "os.system('exit 3')\nsubprocess.run(['false'])\nopen('/etc/passwd').read()\nsocket.socket().connect(('localhost', 1))\n"
    "shutil.rmtree('/nonexistent')\nos.remove('/nonexistent')\nctypes.CDLL(None)\npickle.loads(b'')\nos.fork()\nos._exit(3)\n"
    "threading.Thread(target=print).start()\n__import__('os').system('exit 4')\nexit\n",
    "import tricks": "import importlib\nimportlib.import_module('os').system('exit 3')\n__import__('antigravity')\n"
    "from . import x\n" if False else "import importlib\nimportlib.import_module('antigravity')\n__import__('this')\n",
    "odd class bodies": "class A:\n    for i in range(10): locals()[f'f{i}'] = i\n    if True:\n        def g(self): return 1\n"
    "    x = [i for i in range(3)]\n    y: int\n    del x\n    import os\n    class B: pass\n    with open('x') as f: pass\nA().g()\n",
    "chained comparison": "x = " + " < ".join(str(i) for i in range(1000)) + "\n",
    "long boolean": "import os\nv = os.environ\nx = " + " or ".join(f"v.get({i})" for i in range(500)) + "\n",
    "long string": "x = '" + "a" * 500_000 + "'\nx.count('b')\n",
    "implicit concatenation": "x = (" + "\n'a'" * 5000 + ")\n",
    "big literal": "x = [" + "[1, 2, 3, 'a'], " * 20_000 + "]\nlen(x)\n",
    "big dict literal": "x = {" + ", ".join(f"'k{i}': {{'a': [{i}, (1, 2)]}}" for i in range(10_000)) + "}\n",
    "type hints": "def f[T](x): pass\n" if False else "def f(x: 'list[' + 'int' * 10): pass\ndef g(x: 1 / 0 = 3) -> [][5]: pass\ng()\nx: 5 = 3\n",
    "sort with a bad key": "sorted([3, 1], key=lambda x: sorted([1], key=None))\n[1, 'a'].sort()\n",
    "del in loops": "a = list(range(100))\nwhile a:\n    del a[0]\nd = dict.fromkeys(range(100))\nwhile d:\n    d.popitem()\n",
    "assert": "assert (1, 'x')\nassert True, 1 / 0\n",
    "Ellipsis": "...\nx = ... if ... else ...\nx[...] if False else 0\n",
    "complex": "1j ** 2j\ncomplex('1+2j')\n(1j).conjugate()\n",
    "conflicting kwargs": "def f(a, b=1, /, c=2, *, d, e=3, **k): pass\nf(1, d=1)\nf(**{'a': 1})\n",
    "class body that grows": "class A:\n    for i in range(3000):\n        locals()['f%d' % i] = lambda self, i=i: i\nA().f7\n",
    "__getattr__ returning self": "class A:\n    def __getattr__(self, n): return self\n    def __call__(self, *a): return self\n"
    "    def __getitem__(self, i): return self\nA().b.c().d[0].e(1)(2)(3).f\n[A()] + [A().x]\n",
    "generator tower": "g = iter(range(3))\nfor i in range(400):\n    g = (x for x in g)\ntry:\n    list(g)\nexcept RecursionError:\n    pass\n",
    "dict with itself as key": "class D(dict):\n    def __hash__(self): return 1\nd = D()\nd[d] = d\nd == d\nstr(d)\nd[d][d][d]\n"
    "try:\n    {d: {d: d}} == {d: {d: 1}}\nexcept RecursionError:\n    pass\n",
    "huge dimensions": "import torch\ntry:\n    torch.zeros(10 ** 30, 2).reshape(-1).sum()\nexcept Exception:\n    pass\n"
    "try:\n    (torch.zeros(2 ** 62) + 1).view(2, -1).expand(2 ** 40, 2, -1)\nexcept Exception:\n    pass\n",
    "einsum of 10,000 letters": "import torch\ntry:\n    torch.einsum('ab' * 5000 + '->', torch.zeros(2, 2))\nexcept Exception:\n    pass\n"
    "try:\n    torch.einsum(','.join(['ab'] * 3000) + '->a', *[torch.zeros(2, 2)] * 3000)\nexcept Exception:\n    pass\n",
    "10,000 arguments": "def f(*a, **k): return len(a) + len(k)\nf(" + ", ".join(map(str, range(10_000))) + ")\n"
    "f(**{'k%d' % i: i for i in range(10000)})\nprint(*range(10000))\n",
    "nested f-strings": "x = 1\ny = " + "f'{" * 1 + "x" + "}'" * 1 + "\n"
    "z = f\"{f'{x}'}{x!r:{x}>{x}}\"\nfor i in range(200):\n    y = f'{y}{y}'\n",
    "__path__ tricks": "import sys, types\n__path__ = [__file__]\nm = types.ModuleType('m')\nm.__path__ = m\nsys.modules['m'] = m\n"
    "try:\n    import m.m.m\nexcept ImportError:\n    pass\nsys.path = sys.path * 50\nsys.meta_path.insert(0, None)\n",
    "star import of itself": "try:\n    from case import *\nexcept ImportError:\n    pass\n",
    "5,000 modules": "from torch import nn\na = nn.ModuleList()\nfor i in range(5000):\n    a.append(nn.Linear(3, 3))\nlen(a)\n",
    "descriptors that swap themselves": "class D:\n    def __get__(self, o, t):\n        type(o).x = D()\n        return o.x if 0 else 1\n"
    "class A: x = D()\nfor i in range(100): A().x\n",
    "bases made by a call": "def base(n): return type('B', (base(n - 1),) if n else (object,), {})\nclass A(base(150)): pass\nA().x = 1\n",
    "operator recursion": "class A:\n    def __add__(self, o): return o + self\n    def __radd__(self, o): return self + o\n"
    "    def __eq__(self, o): return o == self\ntry:\n    A() + A()\nexcept RecursionError:\n    pass\ntry:\n    A() == A()\n"
    "except RecursionError:\n    pass\n",
    "formatting recursion": "class A:\n    def __format__(self, s): return f'{self:{s}}'\n    def __repr__(self): return repr(self)\n"
    "try:\n    f'{A():x}'\nexcept RecursionError:\n    pass\ntry:\n    str([A()])\nexcept RecursionError:\n    pass\n",
    "context managers that enter themselves": "class A:\n    def __enter__(self):\n        with self: pass\n    def __exit__(self, *a): return True\n"
    "try:\n    with A(): pass\nexcept RecursionError:\n    pass\n",
    "super chain": "class A0:\n    def f(self): return 1\n" + "".join(
        f"class A{i}(A{i - 1}):\n    def f(self): return super().f()\n" for i in range(1, 150)
    ) + "A149().f()\n",
    "kwargs that are not text": "def f(**k): return k\nf(**{1: 2})\n",
}  # fmt: skip

# Programs that do not end: the run stops at its budget, what was found before stays.
ENDLESS: dict[str, str] = {
    "while true": "while True:\n    pass\n",
    "while counting": "i = 0\nwhile i >= 0:\n    i += 1\n",
    "while growing": "a = []\nwhile True:\n    a.append([0] * 1000)\n",
    "while growing text": "a = []\nwhile True:\n    a.append('x' * 100000 + str(len(a)))\n",
    "while growing dict": "a = {}\nwhile True:\n    a[len(a)] = 'x' * 1000 + str(len(a))\n",
    "while growing tuples": "a = ()\nwhile True:\n    a = (a, list(range(10000)))\n",
    "while growing tensors": "import torch\nx = torch.zeros(3)\nwhile True:\n    x = torch.cat([x, x[:1]])\n",
    "while unknown": "import os\nwhile os.environ:\n    while os.environ:\n        for i in os.environ:\n            while os.environ: pass\n"
    "while True: pass\n",
    "huge range": "for i in range(10 ** 15):\n    pass\n",
    "nested ranges": "for i in range(10 ** 4):\n    for j in range(10 ** 4):\n        for k in range(10 ** 4):\n            pass\n",
    "exponential comprehension": "x = [a for a in range(1000) for b in range(1000) for c in range(1000) for d in range(1000)]\n",
    "comprehension without result": "x = [a for a in range(10 ** 15) if a < 0]\n",
    "generator without end": "def g():\n    while True:\n        yield 1\nx = list(g())\n",
    "for over a generator": "def g():\n    while True:\n        yield 1\nfor i in g(): pass\n",
    "count": "import itertools\nfor i in itertools.count(): pass\n",
    "sum of count": "import itertools\nsum(itertools.count())\nwhile True: pass\n",
    "list of count": "import itertools\nx = list(itertools.count())\nwhile True: pass\n",
    "max of cycle": "import itertools\nmax(itertools.cycle([1]))\nwhile True: pass\n",
    "any of repeat": "import itertools\nany(itertools.repeat(0))\nwhile True: pass\n",
    "all of map": "import itertools\nall(map(bool, itertools.count(1)))\nwhile True: pass\n",
    "in count": "import itertools\n-1 in itertools.count()\nwhile True: pass\n",
    "filter of count": "import itertools\nnext(filter(lambda x: x < 0, itertools.count()))\nwhile True: pass\n",
    "dropwhile": "import itertools\nnext(itertools.dropwhile(lambda x: True, itertools.count()))\nwhile True: pass\n",
    "islice of count": "import itertools\nnext(itertools.islice(itertools.count(), 10 ** 15, None))\nwhile True: pass\n",
    "iter with a sentinel": "for i in iter(int, 1): pass\n",
    "list of iter": "x = list(iter(int, 1))\nwhile True: pass\n",
    "zip of counts": "import itertools\nx = list(zip(itertools.count(), itertools.count()))\nwhile True: pass\n",
    "dict of counts": "import itertools\nx = dict.fromkeys(itertools.count())\nwhile True: pass\n",
    "set of counts": "import itertools\nx = set(itertools.count())\nwhile True: pass\n",
    "deque of counts": "import itertools, collections\nx = collections.deque(itertools.count(), maxlen=1)\nwhile True: pass\n",
    "join of counts": "import itertools\nx = ''.join(map(str, itertools.count()))\nwhile True: pass\n",
    "extend by count": "import itertools\nx = []\nx.extend(itertools.count())\nwhile True: pass\n",
    "unpack count": "import itertools\na, *b = itertools.count()\nwhile True: pass\n",
    "star call of count": "import itertools\nprint(*itertools.count())\nwhile True: pass\n",
    "star list of count": "import itertools\n[*itertools.count()]\nwhile True: pass\n",
    "permutations": "import itertools\nfor p in itertools.permutations(range(40)): pass\n",
    "sorted permutations": "import itertools\nsorted(itertools.permutations(range(30)))\nwhile True: pass\n",
    "counter": "import itertools, collections\ncollections.Counter(itertools.count())\nwhile True: pass\n",
    "reduce": "import itertools, functools\nfunctools.reduce(lambda a, b: a, itertools.count())\nwhile True: pass\n",
    "chain": "import itertools\nx = list(itertools.chain.from_iterable(itertools.repeat([1])))\nwhile True: pass\n",
    "groupby": "import itertools\nnext(itertools.islice(itertools.groupby(itertools.count(), lambda x: 1), 1, 2))\nwhile True: pass\n",
    "getitem protocol": "class A:\n    def __getitem__(self, i): return i\nfor x in A(): pass\n",
    "next protocol": "class A:\n    def __iter__(self): return self\n    def __next__(self): return 1\nlist(A())\n",
    "in protocol": "class A:\n    def __iter__(self): return self\n    def __next__(self): return 1\n2 in A()\n",
    "fibonacci": "def fib(n): return fib(n - 1) + fib(n - 2) if n > 1 else n\nfib(60)\n",
    "ackermann": "def a(m, n): return n + 1 if m == 0 else a(m - 1, 1) if n == 0 else a(m - 1, a(m, n - 1))\ntry:\n    a(4, 4)\n"
    "except RecursionError:\n    pass\nwhile True: pass\n",
    "retries": "def f():\n    try:\n        f()\n    finally:\n        f()\nf()\n",
    "retry loop": "while True:\n    try:\n        raise ValueError\n    except Exception:\n        continue\n",
    "list while iterated": "a = [1]\nfor x in a:\n    a.append(x)\n",
    "church": "two = lambda f: lambda x: f(f(x))\ntwo(two)(two)(two)(lambda x: x + 1)(0)\nwhile True: pass\n",
    "generator ping-pong": "def g(n):\n    while True:\n        yield from h(n + 1)\n        yield n\ndef h(n):\n    yield n\nfor i in g(0): pass\n",
    "many tensors": "import torch\nfor i in range(10 ** 12):\n    torch.zeros(3) + i\n",
    "many modules": "from torch import nn\na = nn.ModuleList()\nwhile True:\n    a.append(nn.Linear(3, 3))\n",
    "a million copies of a module": "from torch import nn\nnn.Sequential(*[nn.ReLU()] * 10 ** 6)\nwhile True: pass\n",
    "deep modules": "from torch import nn\na = nn.ReLU()\nwhile True:\n    a = nn.Sequential(a, a)\n",
    "class factory": "c = object\nwhile True:\n    class c(c): pass\n",
    "function factory": "def f(): pass\nwhile True:\n    def f(f=f): return f\n",
    "undecided exponential": "import os\nv = os.environ\ndef f(n):\n    if v.get(n): a = f(n - 1)\n    else: a = f(n - 1)\n    return a\n"
    "f(100)\nwhile True: pass\n",
    "undecided loop": "import os\nv = os.environ\nfor i in range(10 ** 9):\n    if v.get(i): x = i\n    else: y = i\n",
    "undecided big list": "import os\nv = os.environ\na = list(range(100000))\nwhile True:\n    if v.get(1): a.append(1)\n"
    "    else: a.append(2)\n",
    "property endless": "class A:\n    @property\n    def x(self):\n        while True: pass\nA().x\n",
    "len endless": "class A:\n    def __len__(self):\n        while True: pass\nlen(A())\nwhile True: pass\n",
    "hash endless": "class A:\n    def __eq__(self, o):\n        while True: pass\nA() == A()\n",
    "sort endless": "class A:\n    def __lt__(self, o):\n        while True: pass\nsorted([A(), A()])\nwhile True: pass\n",
    "str growth": "s = 'ab'\nwhile True:\n    s = s.replace('a', 'aa')\n",
    "int growth": "x = 3\nwhile True:\n    x = x * x\n",
    "decimal growth": "x = 1.5\nfrom fractions import Fraction\ny = Fraction(3, 7)\nwhile True:\n    y = y * y\n",
    "symbol growth": "import torch\nfrom torch import nn\nclass A(nn.Module):\n    def forward(self, x):\n        n = x.shape[0]\n"
    "        while True:\n            n = n * n + n // 3\n",
    "einsum": "import torch\nwhile True:\n    torch.einsum('ij,jk->ik', torch.zeros(3, 3), torch.zeros(3, 3))\n",
    "deepcopy of a tower": "import copy\na = [0]\nfor i in range(30):\n    a = [a[:], a[:]]\ncopy.deepcopy(a)\nwhile True: pass\n",
}  # fmt: skip
