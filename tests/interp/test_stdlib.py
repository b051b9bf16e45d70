"""Standard library models: the interpreter and Python on the same source."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from differential import check

MATH = """
math.floor(2.7), math.ceil(2.1), math.trunc(-2.5), math.sqrt(16), math.log2(8), math.log(10, 10), math.pow(2, 3)
math.prod([2, 3, 4]), math.prod([], start=5), math.gcd(12, 18), math.lcm(4, 6), math.factorial(5), math.comb(5, 2)
math.pi, math.inf, math.isnan(math.nan), math.isinf(1.0), math.isclose(0.1 + 0.2, 0.3), math.hypot(3, 4), math.fabs(-1)
math.exp(0), math.sin(0.0), math.cos(0), math.atan2(1, 1), math.copysign(1, -0.0), math.fmod(7, 3), math.modf(2.5), math.isqrt(17)
math.sqrt(-1)
math.floor('a')
math.log(0)
math.fsum([0.1] * 10), math.dist((0, 0), (3, 4)), math.degrees(math.pi)
math.ceil(7 / 2), math.floor(-7 / 2), math.ceil(5), int(math.log2(64))
statistics.mean([1, 2, 3]), statistics.median([3, 1, 2])
operator.add(1, 2), operator.mul(2, 3), operator.itemgetter(1)([5, 6]), operator.itemgetter(0, 1)('ab'), operator.attrgetter('real')(3)
operator.methodcaller('upper')('a'), operator.not_(0), operator.contains([1], 1), operator.getitem({'a': 1}, 'a'), operator.lt(1, 2)
operator.concat([1], [2]), operator.neg(3), operator.truediv(1, 2), operator.index(True), operator.is_(None, None), operator.xor(5, 3)
operator.__not__(0), operator.__xor__(5, 3), operator.__iadd__([1], [2]), operator.__contains__([1], 1), hasattr(operator, '__is__')
operator.methodcaller('split', ',')('a,b'), operator.eq(1, 1), operator.ne(1, 1), operator.iadd([1], [2])
"""

ITERTOOLS = """
list(itertools.chain([1], 'ab', (2,))), list(itertools.chain.from_iterable([[1, 2], [3]]))
list(itertools.islice(itertools.count(5, 2), 3)), list(itertools.islice('abcdef', 1, 5, 2)), list(itertools.islice([1, 2], None))
list(itertools.repeat('a', 3)), list(itertools.islice(itertools.cycle([1, 2]), 5)), list(itertools.islice(itertools.repeat(1), 2))
list(itertools.product([1, 2], 'ab')), list(itertools.product([0, 1], repeat=2)), list(itertools.product())
list(itertools.permutations([1, 2, 3], 2)), list(itertools.combinations('abc', 2)), list(itertools.combinations_with_replacement('ab', 2))
list(itertools.accumulate([1, 2, 3])), list(itertools.accumulate([1, 2, 3], lambda a, b: a * b)), list(itertools.accumulate([1], initial=5))
list(itertools.starmap(pow, [(2, 3), (3, 2)])), list(itertools.takewhile(lambda x: x < 3, [1, 2, 5, 1])), list(itertools.dropwhile(lambda x: x < 3, [1, 5, 1]))
list(itertools.filterfalse(lambda x: x % 2, range(5))), list(itertools.compress('abc', [1, 0, 1])), list(itertools.pairwise([1, 2, 3]))
list(itertools.zip_longest([1, 2], 'a', fillvalue='-')), [(k, list(g)) for k, g in itertools.groupby([1, 1, 2, 1])]
[(k, list(g)) for k, g in itertools.groupby(['a', 'bb', 'cc'], key=len)]
[list(t) for t in itertools.tee([1, 2], 2)]
list(itertools.chain(*[[1], [2]])), sum(itertools.chain([1], [2])), dict(zip('ab', itertools.count()))
list(itertools.permutations([1, 2])), list(itertools.accumulate([]))
list(itertools.chain(5))
"""

FUNCTOOLS = [
    "f = functools.partial(lambda a, b, c=0: (a, b, c), 1, c=5)\nreturn f(2), f(2, c=7), f.args, f.keywords",
    "f = functools.partial(functools.partial(pow, 2), 3)\nreturn f()",
    "return functools.reduce(lambda a, b: a + b, [1, 2, 3]), functools.reduce(lambda a, b: a * b, [], 7)",
    "return functools.reduce(lambda a, b: a, [])",
    "def deco(f):\n    @functools.wraps(f)\n    def inner(*a, **k): return f(*a, **k) + 1\n    return inner\n@deco\ndef g(x): return x\nreturn g(1), g.__name__, g.__wrapped__(1)",
    "def deco(f):\n    @functools.wraps(f)\n    def inner(*a, **k): pass\n    return inner\n@deco\ndef g(x: int, *a: str, y: float = 1, z=2) -> bool: pass\n"
    "return list(g.__annotations__), deco.__annotations__",
    "@functools.lru_cache(maxsize=None)\ndef f(n): return n if n < 2 else f(n - 1) + f(n - 2)\nreturn f(10)",
    "@functools.lru_cache\ndef f(n): return n * 2\nf.cache_clear()\nreturn f(3)",
    "@functools.cache\ndef f(n): return n * 2\nreturn f(3)",
    "import sys\nreturn sys.implementation.name, sys.implementation.version >= (3, 10)",
    "class A:\n    n = 0\n    @functools.cached_property\n    def p(self):\n        self.n += 1\n        return self.n\na = A()\nreturn a.p, a.p, a.n",
    "@functools.total_ordering\nclass A:\n    def __init__(self, v): self.v = v\n    def __eq__(self, o): return self.v == o.v\n    def __lt__(self, o): return self.v < o.v\nreturn A(1) < A(2), A(1) <= A(1), A(1) > A(2), A(2) >= A(1), max([A(1), A(3)]).v",
    "@functools.singledispatch\ndef f(x): return 'default'\n@f.register(int)\ndef _(x): return 'int'\n@f.register(list)\ndef _(x): return 'list'\nreturn f(1), f('a'), f([]), f(True)",
    "@functools.singledispatch\ndef f(x): return 'default'\n@f.register\ndef _(x: int): return 'int'\n@f.register\ndef _(x: list): return 'list'\nreturn f(1), f('a'), f([]), f(True)",
    "return sorted([3, 1, 2], key=functools.cmp_to_key(lambda a, b: b - a))",
    "class A:\n    def f(self, a, b): return a, b\n    g = functools.partialmethod(f, 1)\nreturn A().g(2)",
    "p = functools.partial(dict, a=1)\nreturn p(b=2), isinstance(p, functools.partial), p.func is dict",
    "def f(): pass\nf.x = 1\np = functools.partial(f)\nreturn f.x, callable(p)",
]

COLLECTIONS = [
    "d = collections.OrderedDict([('a', 1), ('b', 2)])\nd['c'] = 3\nd.move_to_end('a')\nreturn list(d), d.popitem(last=False), isinstance(d, dict)",
    "d = collections.OrderedDict(a=1)\nreturn d == {'a': 1}, repr(collections.OrderedDict()), type(d).__name__",
    "d = collections.defaultdict(list)\nd['a'].append(1)\nd['a'].append(2)\nreturn dict(d), 'z' in d, d.get('z'), d['q'], len(d)",
    "d = collections.defaultdict(lambda: 5, x=1)\nreturn d['a'], d['x'], d",
    "return collections.defaultdict(None)['a']",
    "class M(collections.defaultdict):\n    def __init__(self, n):\n        super().__init__(functools.partial(list, [n]))\n    def total(self): return sum(v[0] for v in self.values())\nm = M(3)\nm['a'].append(1)\nm['b']\nreturn dict(m), m.total(), 'z' in m, m.get('z'), len(m), isinstance(m, dict), isinstance(m, collections.defaultdict)",
    "class M(collections.defaultdict): pass\nreturn M(int, a=1)['b'], M(int, {'a': 2})['a'], M()['c']",
    "class C(collections.Counter):\n    def __init__(self, of):\n        super().__init__(of)\nc = C('abca')\nc['d'] += 1\nreturn c['a'], c['z'], c['d'], c.most_common(1), len(c)",
    "P = collections.namedtuple('P', ['x', 'y'])\np = P(1, y=2)\nreturn p.x, p[1], p, p._asdict(), p._replace(x=5), P._fields, isinstance(p, tuple), repr(p)",
    "P = collections.namedtuple('P', 'x y z', defaults=[0])\na, b, c = P(1, 2)\nreturn a, b, c, P._make([1, 2, 3]), P(1, 2) == (1, 2, 0)",
    "P = collections.namedtuple('P', 'x y')\nreturn P(1)",
    "class P(collections.namedtuple('P', 'count x')):\n    def both(self): return self.count + self.x\np = P(3, 4)\nreturn p.count, p.index(4), p.both(), (1, 1).count(1)",
    "P = collections.namedtuple('P', 'x y')\nreturn P(1, 2).z",
    "class P(collections.namedtuple('P', 'x y')):\n    def total(self): return self.x + self.y\np = P(1, 2)\nreturn p.total(), p[0], p.x, tuple(p), len(p), p == (1, 2), p._replace(x=3)",
    "d = collections.deque([1, 2], maxlen=2)\nd.append(3)\nd.appendleft(0)\nreturn list(d), d.maxlen, len(d)",
    "d = collections.deque('abc')\nd.rotate(1)\nd.extend('x')\nd.extendleft('yz')\nreturn list(d), d.popleft(), d.pop(), d[0], 'a' in d, d.index('c'), list(reversed(d))",
    "collections.deque().popleft()",
    "c = collections.Counter('abca')\nreturn c['a'], c['z'], c.most_common(1), dict(c), sum(c.values()), sorted(c.elements()), c.total()",
    "c = collections.Counter(a=3)\nc.update(['a', 'b'])\nc.subtract({'a': 1})\nreturn dict(c), c + collections.Counter(b=2), c - collections.Counter(a=1)",
    "m = collections.ChainMap({'a': 1}, {'a': 2, 'b': 3})\nm['c'] = 4\nreturn m['a'], m['b'], sorted(m), len(m), 'c' in m, m.get('z', 0), m.maps[0]",
    "class D(collections.UserDict):\n    def __setitem__(self, k, v): super().__setitem__(k, v * 2)\nd = D(a=1)\nd['b'] = 3\nreturn d.data, d['a'], len(d), list(d.items())",
    "class D(collections.OrderedDict):\n    def __getitem__(self, k):\n        return super().__getitem__(k) + 1\nd = D(a=1)\nreturn d['a'], list(d.values())",
    "class D(dict):\n    def __missing__(self, k): return k * 2\nreturn D()['ab'], D(x=1)['x']",
    "class D(dict):\n    def __missing__(self, k): return k * 2\n    def __getattr__(self, k): return self.__getitem__(k)\nreturn D().ab, D(x=1).x",
    "class D(dict):\n    def __missing__(self, k): return k * 2\n    def __getitem__(self, k): return super().__getitem__(k)\nreturn D()['ab'], D(x=1)['x']",
    "class D(dict):\n    def __init__(self, *a, **k):\n        super().__init__(*a, **k)\n        self.n = len(self)\nd = D({'a': 1}, b=2)\nreturn d.n, d",
    "class D(dict):\n    def __getattr__(self, k):\n        try: return self[k]\n        except KeyError: raise AttributeError(k)\nd = D(a=1)\nreturn d.a, hasattr(d, 'zz')",
    "class L(collections.UserList): pass\nl = L([1, 2])\nl.append(3)\nreturn list(l), len(l), l[0]",
    "h = [5, 1, 4]\nheapq.heapify(h)\nheapq.heappush(h, 0)\nreturn heapq.heappop(h), heapq.heappop(h), heapq.nlargest(1, h), heapq.nsmallest(2, [3, 1, 2])",
    "a = [1, 3, 5]\nbisect.insort(a, 4)\nreturn a, bisect.bisect(a, 3), bisect.bisect_left(a, 3)",
]

ABSTRACT = [
    "class F:\n    def __init__(self):\n        self.known = {'A': 1}\n    def __getattr__(self, key):\n        if key in self.known:\n            return key\n        return super().__getattribute__(key)\nf = F()\nreturn f.A, hasattr(f, 'B'), getattr(f, 'C', 3), f.known",
    "class A:\n    __kept = 3\n    twice = __kept * 2\n    def __init__(self):\n        self.__own = 1\n    def __hidden(self):\n        return self.__own + self.__kept\n    def shown(self):\n        self.__own += 5\n        return self.__hidden(), hasattr(self, '__own'), sorted(vars(self)), self.twice\nclass B(A):\n    def __init__(self):\n        super().__init__()\n        self.__own = 7\nreturn A().shown(), B().shown(), sorted(vars(B()))",
    "A = collections.abc\nreturn [isinstance(v, c) for v in ([], (), 'a', {}, set(), 1, range(2), iter([]), (i for i in []), b'', {}.keys()) for c in (A.Iterable, A.Sequence, A.Mapping, A.Set, A.Iterator, A.Sized, A.Container, A.Hashable, A.MutableSequence, A.MutableMapping, A.Callable, A.Generator, A.Collection)]",
    "A = collections.abc\nreturn [isinstance(v, A.Callable) for v in (len, int, lambda: 0, 'a', functools.partial(len))]",
    "class X:\n    def __iter__(self): yield 1\nA = collections.abc\nreturn isinstance(X(), A.Iterable), isinstance(X(), A.Sequence), isinstance(X(), A.Sized)",
    "class M(collections.abc.Mapping):\n    def __init__(self): self.d = {'a': 1}\n    def __getitem__(self, k): return self.d[k]\n    def __iter__(self): return iter(self.d)\n    def __len__(self): return len(self.d)\nm = M()\nreturn m.get('a'), m.get('z', 3), list(m.items()), 'a' in m, list(m.keys()), isinstance(m, collections.abc.Mapping), dict(m)",
    "class S(collections.abc.Sequence):\n    def __getitem__(self, i):\n        if i > 2: raise IndexError\n        return i * i\n    def __len__(self): return 3\ns = S()\nreturn list(s), 4 in s, s.index(4), s.count(1), list(reversed(s)), isinstance(s, collections.abc.Sequence)",
    "class A(abc.ABC):\n    @abc.abstractmethod\n    def f(self): ...\nclass B(A):\n    def f(self): return 1\nreturn B().f(), isinstance(B(), A)",
    "class A(metaclass=abc.ABCMeta):\n    @property\n    @abc.abstractmethod\n    def p(self): ...\nclass B(A):\n    @property\n    def p(self): return 2\nreturn B().p",
    "return isinstance(1, numbers.Number), isinstance(1.5, numbers.Real), isinstance('a', numbers.Number), isinstance(2.0, numbers.Integral), isinstance(True, numbers.Integral)",
    "return isinstance([], typing.Sequence), isinstance({}, typing.Mapping), isinstance([], typing.List), isinstance((), typing.Tuple)",
]

TYPING = [
    "class P(typing.NamedTuple):\n    x: int\n    y: str = 'a'\n    def both(self): return (self.x, self.y)\np = P(1)\na, b = p\nreturn p.x, p.y, p.both(), a, b, len(p), p[0], isinstance(p, tuple), P._fields, p == (1, 'a'), p._replace(x=2).x",
    "class P(typing.NamedTuple):\n    x: int\nreturn P()",
    "return typing.Any.__module__, typing.Optional[int].__module__, typing.Union[int, str].__module__",
    "class L(list): pass\nreturn collections.abc.Sequence.register(L) is L, collections.abc.Mapping.register(dict) is dict",
    "class P(typing.NamedTuple):\n    x: int\n    count: int = 3\n    index: int = 2\nreturn P(1).count, P(1, 5).count, P(1).index",
    "P = typing.NamedTuple('P', [('x', int), ('y', str)])\nreturn P(1, 'b').y",
    "class D(typing.TypedDict, total=False):\n    a: int\nd = D(a=1)\nreturn d['a'], type(d).__name__",
    "T = typing.TypeVar('T')\nclass G(typing.Generic[T]):\n    def f(self, x: T) -> T: return x\nreturn G().f(3), G[int]().f(4)",
    "return typing.cast(int, 'a'), typing.TYPE_CHECKING, typing.NewType('U', int)(5)",
    "def f(x: typing.Optional[int] = None, y: typing.Union[int, str] = 3, *a: typing.Any, **k: typing.Dict[str, typing.List[int]]) -> typing.Tuple[int, ...]: return x, y\nreturn f(), f(1, 2)",
    "class Q(typing.Protocol):\n    def f(self) -> int: ...\nclass R(Q):\n    def f(self): return 1\nreturn R().f()",
    "@typing.overload\ndef f(x: int) -> int: ...\n@typing.overload\ndef f(x: str) -> str: ...\ndef f(x): return x\nreturn f(1)",
    "x: int | None = None\ny: list[int] = []\nreturn x, y, dict[str, int] is not None",
    "class A:\n    x: typing.ClassVar[int] = 1\n    y: typing.Final = 2\nreturn A.x, A().y",
    "s = types.SimpleNamespace(a=1, b='x')\ns.c = 3\nreturn s.a, s.c, vars(s), repr(s), s == types.SimpleNamespace(a=1, b='x', c=3), hasattr(s, 'z')",
    "class A:\n    v = 2\ndef f(self, x): return self.v + x\na = A()\na.g = types.MethodType(f, a)\nreturn a.g(3), isinstance(a.g, types.MethodType), isinstance(f, types.FunctionType), isinstance(len, types.FunctionType), isinstance(lambda: 0, types.LambdaType)",
    "m = types.ModuleType('m')\nm.x = 5\nreturn m.x, m.__name__, isinstance(m, types.ModuleType), isinstance(math, types.ModuleType)",
    "return types.MappingProxyType({'a': 1})['a'], isinstance(None, types.NoneType)",
    "def g(): yield 1\nreturn isinstance(g(), types.GeneratorType), isinstance(iter([]), types.GeneratorType)",
]

COPY = [
    "a = [1, [2, {'k': [3]}]]\nb = copy.deepcopy(a)\nb[1][1]['k'].append(4)\nc = copy.copy(a)\nc[1].append(9)\nreturn a, b, c, c[1] is a[1], b[1] is a[1]",
    "class A:\n    def __init__(self): self.x = [1]; self.me = self\na = A()\nb = copy.deepcopy(a)\nc = copy.copy(a)\nb.x.append(2)\nreturn a.x, b.x, b.me is b, c.x is a.x, c.me is a, b is not a, type(b) is A",
    "class A:\n    def __deepcopy__(self, memo): return 'deep'\n    def __copy__(self): return 'shallow'\nreturn copy.deepcopy(A()), copy.copy(A()), copy.deepcopy([A()])",
    "x = [1]\na = [x, x]\nb = copy.deepcopy(a)\nreturn b[0] is b[1], b[0] is x",
    "t = (1, [2])\nu = copy.deepcopy(t)\nreturn u, u[1] is t[1], copy.deepcopy((1, 2)), copy.copy({'a': 1}), copy.deepcopy({1, 2}), copy.copy([1])",
    "d = collections.OrderedDict(a=[1])\ne = copy.deepcopy(d)\ne['a'].append(2)\nreturn d['a'], e['a'], type(e).__name__, copy.copy(d) == d",
    "P = collections.namedtuple('P', 'x')\np = P([1])\nq = copy.deepcopy(p)\nreturn q.x, q.x is p.x, type(q) is P",
    "class D(dict): pass\nd = D(a=[1])\nd.n = 5\ne = copy.deepcopy(d)\nreturn e['a'], e['a'] is d['a'], e.n, type(e) is D, copy.copy(d).n, copy.copy(d)['a'] is d['a']",
    "f = lambda: 0\nreturn copy.deepcopy(f) is f, copy.deepcopy(len) is len, copy.deepcopy(None), copy.deepcopy(int) is int",
    "p = functools.partial(list, [1])\nq = copy.deepcopy(p)\nreturn q(), q is p",
]

DATACLASSES = [
    "@dataclasses.dataclass\nclass A:\n    x: int\n    y: str = 'a'\n    z: list = dataclasses.field(default_factory=list)\na, b = A(1), A(1)\na.z.append(2)\nreturn a.x, a.y, a.z, b.z, a == b, A(1) == A(1), repr(A(1)), A(1, y='q').y",
    "@dataclasses.dataclass\nclass A:\n    x: int\nreturn A()",
    "@dataclasses.dataclass\nclass A:\n    x: int\n    y: int = 2\nreturn A(1, 2, 3)",
    "@dataclasses.dataclass\nclass A:\n    x: int\n    y: int = 2\nreturn A(1, x=2)",
    "@dataclasses.dataclass\nclass A:\n    x: int\nreturn A(z=2)",
    "@dataclasses.dataclass\nclass A:\n    x: int\n    y: int = dataclasses.field(default=3, kw_only=True)\n    z: int = 4\nreturn [vars(a) for a in (A(1, 5), A(1, y=6, z=7), A(z=1, x=0))]",
    "@dataclasses.dataclass\nclass A:\n    x: int\n    n: dataclasses.InitVar[int]\n    y: int = dataclasses.field(init=False)\n    z: list = dataclasses.field(init=False, default_factory=list)\n    def __post_init__(self, n):\n        self.y = self.x * n\n        self.z.append(n)\nreturn vars(A(2, 3)), vars(A(x=1, n=4)), vars(A(5, n=6))",
    "@dataclasses.dataclass\nclass A:\n    x: int = 1\n@dataclasses.dataclass\nclass B(A):\n    y: int = 2\n    x: int = 3\nreturn vars(B()), vars(B(5, 6)), list(vars(B()))",
    "@dataclasses.dataclass\nclass A:\n    x: int = 1\n    def __setattr__(self, name, value):\n        object.__setattr__(self, name, value * 2)\nreturn A().x, A(5).x",
    "@dataclasses.dataclass(frozen=True)\nclass A:\n    x: int = 1\n    y: list = dataclasses.field(default_factory=list)\nreturn vars(A(2)), vars(A(y=[1])), vars(dataclasses.replace(A(3), y=[2]))",
    "@dataclasses.dataclass\nclass A:\n    x: int\n    @property\n    def x(self):\n        return self._x\n    @x.setter\n    def x(self, value):\n        self._x = value if isinstance(value, int) else 7\nreturn A(3).x, A().x, vars(A(4))",
    "class Twice:\n    def __set_name__(self, owner, name):\n        self.name = '_' + name\n    def __get__(self, obj, cls):\n        return 1 if obj is None else getattr(obj, self.name)\n    def __set__(self, obj, value):\n        setattr(obj, self.name, value * 2)\n@dataclasses.dataclass\nclass A:\n    x: int = Twice()\nreturn A().x, A(4).x",
    "made = []\ndef make(name):\n    made.append(name)\n    return name\n@dataclasses.dataclass\nclass A:\n    x: str = dataclasses.field(default_factory=lambda: make('x'))\n    y: str = dataclasses.field(default_factory=lambda: make('y'))\nreturn vars(A()), vars(A(y='given')), A(dataclasses.MISSING).x is dataclasses.MISSING, made",
    "@dataclasses.dataclass\nclass A:\n    x: int\n    def __init__(self, x):\n        self.x = x + 1\n@dataclasses.dataclass\nclass B(A):\n    y: int = 0\nreturn vars(A(1)), vars(B(1, 2))",
    "@dataclasses.dataclass\nclass A:\n    x: int\nreturn A(1, 2)",
    "@dataclasses.dataclass\nclass A:\n    x: int = 1\n@dataclasses.dataclass\nclass B(A):\n    y: int = 2\n    x: int = 3\nb = B()\nreturn b.x, b.y, [f.name for f in dataclasses.fields(b)], dataclasses.asdict(b), dataclasses.astuple(b), repr(B(7, 8))",
    "@dataclasses.dataclass\nclass A:\n    x: int\n    y: dataclasses.InitVar[int] = 5\n    z: int = dataclasses.field(init=False)\n    def __post_init__(self, y): self.z = self.x + y\nreturn A(1).z, A(1, 2).z, [f.name for f in dataclasses.fields(A)]",
    "@dataclasses.dataclass(frozen=True)\nclass A:\n    x: int\na = A(1)\nb = dataclasses.replace(a, x=2)\nreturn a.x, b.x",
    "@dataclasses.dataclass(frozen=True)\nclass A:\n    x: int\na = A(1)\na.x = 2",
    "@dataclasses.dataclass(frozen=True)\nclass A:\n    x: int\n    y: int = 0\n    def __post_init__(self): object.__setattr__(self, 'y', self.x * 2)\nreturn A(2).y, {A(1): 'k'}[A(1)]",
    "@dataclasses.dataclass(order=True)\nclass A:\n    x: int\n    y: int = 0\nreturn A(1) < A(2), sorted([A(3), A(1)])[0].x, A(1, 5) > A(1, 2), A(1) <= A(1)",
    "@dataclasses.dataclass(kw_only=True)\nclass A:\n    x: int = 1\n    y: int\nreturn A(y=2).y, A(y=1, x=3).x",
    "@dataclasses.dataclass(kw_only=True)\nclass A:\n    x: int\nreturn A(1)",
    "@dataclasses.dataclass\nclass A:\n    x: int\n    _: dataclasses.KW_ONLY\n    y: int = 1\nreturn A(5, y=2).y, [f.name for f in dataclasses.fields(A)]",
    "@dataclasses.dataclass\nclass A:\n    c: typing.ClassVar[int] = 3\n    x: int = dataclasses.field(default=4, repr=False, metadata={'k': 1})\nreturn repr(A()), A.c, dataclasses.fields(A)[0].metadata['k'], dataclasses.fields(A)[0].default, A.x",
    "@dataclasses.dataclass(eq=False)\nclass A:\n    x: int = 1\nreturn A() == A(), dataclasses.is_dataclass(A), dataclasses.is_dataclass(A()), dataclasses.is_dataclass(3)",
    "@dataclasses.dataclass\nclass A:\n    x: list = []",
    "@dataclasses.dataclass\nclass B:\n    v: int\n@dataclasses.dataclass\nclass A:\n    b: B\n    c: list\nreturn dataclasses.asdict(A(B(1), [B(2), {'k': B(3)}]))",
    "@dataclasses.dataclass\nclass A:\n    x: int = 1\n    def __repr__(self): return 'mine'\n    @property\n    def double(self): return self.x * 2\nreturn repr(A()), A(4).double, A.__match_args__",
    "A = dataclasses.make_dataclass('A', [('x', int), ('y', int, 5)])\nreturn A(1).y, A(1) == A(1, 5)",
    "@dataclasses.dataclass\nclass A:\n    x: int = dataclasses.field(default=1, compare=False)\n    y: int = 2\nreturn A(1, 2) == A(9, 2), dataclasses.fields(A)[0].name, [f.default is dataclasses.MISSING for f in dataclasses.fields(A)]",
    "@dataclasses.dataclass\nclass A(dict):\n    x: int = 1\n    def __post_init__(self): self['x'] = self.x\na = A(x=5)\nreturn a['x'], a.x, list(a)",
    "@dataclasses.dataclass(init=False)\nclass A:\n    x: int = 1\n    def __init__(self, q): self.x = q\nreturn A(3).x",
    "@dataclasses.dataclass\nclass A:\n    x: int\n    def __init__(self, q): self.x = q * 2\nreturn A(3).x",
    "class M:\n    def hi(self): return 'hi'\n@dataclasses.dataclass\nclass A(M):\n    x: 'int' = 0\nreturn A().hi(), A(x=2).x, A.__dataclass_fields__['x'].name, 'x' in A.__dataclass_fields__",
    "@dataclasses.dataclass(slots=True)\nclass A:\n    x: int = 1\nreturn A(3).x",
]

ENUM = [
    "def f(x): return x + 1\nclass C(enum.Enum):\n    A = enum.member(f)\n    B = enum.nonmember(3)\n    def g(self): return self.value(1)\nreturn [m.name for m in C], C.A.value(1), C.B, C.A.g(), C.A in C",
    "class Outer: pass\nclass C(enum.Enum):\n    A = Outer\n    B = int\n    D = collections.OrderedDict\nreturn [m.name for m in C], C.A.value is Outer, C.B.value('3'), C(Outer) is C.A, Outer in [m.value for m in C]",
    "class A(enum.Enum):\n    ONE = 1\n    TWO = 2\n    UNO = 1\nreturn A._member_names_, sorted(A._member_map_)",
    "class C(enum.Enum):\n    RED = 1\n    GREEN = 'g'\n    ALIAS = 1\nreturn C.RED.name, C.RED.value, C(1) is C.RED, C['GREEN'].value, C.ALIAS is C.RED, [m.name for m in C], len(C), C.RED in C, C.RED == 1, C.RED is C.RED",
    "class C(enum.Enum):\n    A = 1\nreturn C(5)",
    "class C(str, enum.Enum):\n    A = 'a'\n    _B = 'b'\n    __c = 'c'\n    _ignore_ = ['d']\n    d = 4\nreturn [m.name for m in C], C._B.value, C('b') is C._B, C._C__c",
    "class C(enum.Enum):\n    A = 1\nreturn C['Z']",
    "class C(enum.Enum):\n    A = 1\nreturn str(C.A), repr(C.A), f'{C.A}', '%s' % C.A, '{}'.format(C.A), f'{C.A.name}'",
    "class C(str, enum.Enum):\n    A = 'a'\n    B = 'b'\nreturn C.A == 'a', C('b') is C.B, C.A.value, C.A + 'x', C.A.upper(), isinstance(C.A, str), {'a': 1}[C.A], {C.A: 2}['a'], C.A in ('a',), 'a' in [C.A], [c.value for c in C], str(C.A), {'a': 1}.get(C.A)",
    "class C(enum.IntEnum):\n    A = 1\n    B = 2\nreturn C.A + 1, C.B > C.A, C(2).name, [0, 10, 20][C.A], isinstance(C.A, int), int(C.B), C.A == 1, sorted([C.B, C.A])[0].name, max(C).name, {1: 'x'}[C.A]",
    "class C(enum.Enum):\n    A = enum.auto()\n    B = enum.auto()\n    D = 10\n    E = enum.auto()\nreturn [m.value for m in C]",
    "class C(enum.Enum):\n    A = (1, 'x')\n    B = (2, 'y')\n    def __init__(self, n, s):\n        self.n = n\n        self.s = s\n    @property\n    def both(self): return f'{self.n}{self.s}'\nreturn C.A.n, C.B.s, C.A.both, C((2, 'y')).name, C.A.value",
    "class C(enum.Flag):\n    R = enum.auto()\n    W = enum.auto()\n    X = enum.auto()\nrw = C.R | C.W\nreturn rw.value, C.R in rw, C.X in rw, bool(rw & C.X), (rw & C.R) is C.R, [m.value for m in C], (~C.R).value, C(3) is rw",
    "class C(enum.IntFlag):\n    A = 1\n    B = 2\nreturn (C.A | C.B).value, int(C.A | C.B), C.A & 1 == 1, C.B | 4",
    "class C(enum.Enum):\n    A = 1\n    @classmethod\n    def default(cls): return cls.A\n    @staticmethod\n    def f(): return 3\n    def g(self): return self.value + 1\nreturn C.default() is C.A, C.f(), C.A.g(), list(C.__members__), C.__members__['A'] is C.A",
    "class C(enum.Enum):\n    @classmethod\n    def _missing_(cls, v): return cls.A\n    A = 1\nreturn C('nope') is C.A",
    "class B(str, enum.Enum):\n    @classmethod\n    def names(cls): return [c.name for c in cls]\n    def __str__(self): return self.value\nclass C(B):\n    A = 'a'\nreturn C.names(), str(C.A), f'{C.A}'",
    "C = enum.Enum('C', 'A B')\nD = enum.Enum('D', {'X': 5})\nreturn [m.value for m in C], C.A.name, D.X.value",
    "class C(enum.Enum):\n    A = 1\nd = {C.A: 'x'}\nreturn d[C.A], C.A in d, d.get(C(1)), isinstance(C.A, C), isinstance(C.A, enum.Enum), type(C.A) is C, isinstance(C, type), issubclass(C, enum.Enum)",
    "class C(enum.StrEnum):\n    A = enum.auto()\n    B = 'bee'\nreturn C.A.value, C.B == 'bee', f'{C.B}', str(C.A)",
    "@enum.unique\nclass C(enum.Enum):\n    A = 1\n    B = 2\nreturn C.A != C.B, C.A == C.A, C.A is not C.B, bool(C.A), list(reversed(C))[0].name",
    "class C(enum.Enum):\n    def _generate_next_value_(name, start, count, last): return name.lower()\n    AB = enum.auto()\nreturn C.AB.value",
    "class C(enum.Enum):\n    A = 'a'\n    def __call__(self, x): return x + self.value\n    def __eq__(self, o): return self.value == o\nreturn C.A('z'), C.A == 'a'",
    "class C(enum.Enum):\n    A = 1\nimport copy\nreturn copy.deepcopy(C.A) is C.A, copy.deepcopy([C.A])[0] is C.A",
    "class C(enum.Enum):\n    A = functools.partial(lambda x: x + 1)\n    B = 2\nreturn [m.name for m in C][-1]",
    "class C(enum.Enum):\n    A = [1]\n    B = {'k': 1}\nreturn C.A.value, C.B.value['k']",
]

INSPECT = [
    "def f(a, b=2, *args, c, d=4, **kw): pass\ns = inspect.signature(f)\nreturn list(s.parameters), [p.kind.name for p in s.parameters.values()], s.parameters['b'].default, s.parameters['a'].default is inspect.Parameter.empty, 'kw' in s.parameters, len(s.parameters)",
    "class A:\n    def __init__(self, x, y=1): pass\n    def m(self, q): pass\nreturn list(inspect.signature(A).parameters), list(inspect.signature(A.m).parameters), list(inspect.signature(A(1).m).parameters), list(inspect.signature(A.__init__).parameters)",
    "def f(a, b, c=3): pass\ns = inspect.signature(functools.partial(f, 1, c=5))\nreturn list(s.parameters), s.parameters['c'].default",
    "def f(a, b=2, *, c=3): pass\nb = inspect.signature(f).bind(1, c=9)\nb.apply_defaults()\nreturn dict(b.arguments), b.args, b.kwargs",
    "def f(a): pass\ninspect.signature(f).bind()",
    "def f(a): pass\ninspect.signature(f).bind(1, 2)",
    "def f(a, b=1, *c, d, **e): pass\nspec = inspect.getfullargspec(f)\nreturn spec.args, spec.varargs, spec.varkw, spec.defaults, spec.kwonlyargs",
    "class A:\n    def m(self): pass\ndef f(): pass\nreturn inspect.isfunction(f), inspect.isclass(A), inspect.isclass(A()), inspect.ismethod(A().m), inspect.isfunction(A.m), inspect.ismodule(math), inspect.isclass(int), inspect.isbuiltin(len), inspect.isfunction(len)",
    "def g(): yield\ndef f(): pass\nreturn inspect.isgeneratorfunction(g), inspect.isgeneratorfunction(f), inspect.isgenerator(g())",
    "def deco(f):\n    @functools.wraps(f)\n    def inner(*a, **k): return f(*a, **k)\n    return inner\n@deco\ndef g(x, y=1): pass\nreturn list(inspect.signature(g).parameters), inspect.unwrap(g) is g.__wrapped__",
    "class B: pass\nclass A(B): pass\nreturn [c.__name__ for c in inspect.getmro(A)]",
    "class A:\n    x = 1\n    def f(self): pass\nreturn [n for n, v in inspect.getmembers(A, inspect.isfunction)]",
    "@dataclasses.dataclass\nclass A:\n    x: int\n    y: int = 2\nreturn list(inspect.signature(A).parameters), inspect.signature(A).parameters['y'].default",
    "def f(x, **kwargs): pass\nkw = {'a': 1, 'x': 2, 'kwargs': 3}\nreturn {k: v for k, v in kw.items() if k in inspect.signature(f).parameters}",
]

RE = r"""
re.sub(r'(\d+)', lambda m: str(int(m.group(1)) * 2), 'a1b22'), re.sub('a', 'b', 'aaa', count=2), re.sub(r'(a)(b)', r'\2\1', 'ab')
re.match(r'(\w+)-(\d+)', 'abc-12').groups(), re.match('x', 'abc'), re.search(r'\d+', 'ab12').group(), re.fullmatch('a+', 'aaa').span()
re.findall(r'\d', 'a1b2'), re.findall(r'(\w)(\d)', 'a1b2'), re.split(r'[,;]', 'a,b;c'), re.split(',', 'a,b,c', 1), [m.start() for m in re.finditer('a', 'aba')]
re.compile(r'(?P<name>\w+)').match('foo bar').groupdict(), re.compile('a', re.I).search('A').group(0), re.compile('x').pattern
re.escape('a.b'), re.subn('a', 'b', 'aa'), re.match('(a)?(b)', 'b').group(1), re.match(r'(\d)(\d)', '12')[2], re.compile('a').sub('b', 'aa')
bool(re.search('z', 'abc')), re.I | re.M, re.match('a', 'A', re.IGNORECASE) is not None, re.match('a', 'A', flags=re.I).end()
re.compile('(')
re.match('a', 5)
re.compile(r'layers\.(\d+)\.').sub(r'blocks.\1.', 'layers.3.w'), re.match(r'^([a-z]+)(\d*)$', 'conv12').groups()
re.split(r'(\W)', 'a-b'), re.split(r'\s+', ' a b ')
re.match(r'^(?:x|y)+$', 'xyx').group(), re.sub(r'_([a-z])', lambda m: m.group(1).upper(), 'a_bc_d')
isinstance(re.compile('a'), re.Pattern), isinstance(re.match('a', 'a'), re.Match)
"""

TEXT = [
    "return json.dumps({'a': [1, None, True, 'x']}), json.loads('{\"a\": [1, 2.5, null]}'), json.dumps([1], indent=2), json.dumps({'b': 1, 'a': 2}, sort_keys=True)",
    "json.loads('{')",
    "import ast\nreturn ast.literal_eval('[1, (2, None), {\"a\": True}]')",
    "import ast\nast.literal_eval('f(1)')",
    "return string.ascii_lowercase[:3], string.digits, string.Template('$a-${b}$$').substitute(a=1, b=2), string.capwords('a b')",
    "return textwrap.dedent('  a\\n  b'), textwrap.indent('a\\nb', '> '), textwrap.fill('aaa bbb', 4)",
    "return fnmatch.fnmatch('abc.py', '*.py'), fnmatch.filter(['a1', 'b1', 'a2'], 'a*')",
    "return os.path.join('a', 'b', 'c.py'), os.path.basename('/x/y.z'), os.path.dirname('/x/y'), os.path.splitext('a.tar.gz'), os.path.split('a/b'), os.sep",
    "p = pathlib.PurePosixPath('/a') / 'b' / 'c.tar.gz'\nreturn str(p), p.name, p.suffix, p.stem, p.parent, p.parts, p.with_suffix('.x'), p.suffixes, p.is_absolute(), p.parent.parent, p / 'd'",
    "p = pathlib.Path('a') / 'b'\nreturn str(p), 'x' + str(p), p.as_posix(), p == pathlib.Path('a/b'), f'{p}', os.path.join(p, 'c'), os.fspath(p)",
    "return os.environ.get('ANE_LSP_NOT_SET', 'd'), os.getenv('ANE_LSP_NOT_SET'), os.getenv('ANE_LSP_NOT_SET', 3), 'ANE_LSP_NOT_SET' in os.environ",
    "try:\n    return os.environ['ANE_LSP_NOT_SET']\nexcept KeyError:\n    return 'not set'",
    "return sys.version_info >= (3, 8), sys.version_info[0], sys.version_info.major, sys.maxsize, sys.version_info < (3,), sys.byteorder",
    "logger = logging.getLogger(__name__)\nlogger.warning('x %s', 1)\nlogger.info('y')\nreturn logger.name, logging.INFO, logger.handlers",
    "warnings.warn('x', DeprecationWarning)\nwith warnings.catch_warnings():\n    warnings.simplefilter('ignore')\n    return 5",
    "f = fractions.Fraction(3, 6)\nreturn str(f), f.numerator, f + 1 == fractions.Fraction(3, 2), float(f), f * 2, int(f), f < 1, fractions.Fraction('1/3').denominator",
]
TEXT[-1] = TEXT[-1].replace("f * 2, ", "str(f * 2), ")

CONTEXTS = [
    "@contextlib.contextmanager\ndef cm(x):\n    log.append('in')\n    yield x\n    log.append('out')\nlog = []\nwith cm(5) as v:\n    log.append(v)\nreturn log",
    "@contextlib.contextmanager\ndef cm():\n    log.append('in')\n    try:\n        yield\n    finally:\n        log.append('out')\nlog = []\nwith cm():\n    log.append('body')\nreturn log",
    "with contextlib.nullcontext(3) as v:\n    return v",
    "with contextlib.suppress(KeyError):\n    {}['a']\nreturn 'after'",
    "with contextlib.suppress(KeyError):\n    [][1]",
    "with contextlib.ExitStack() as stack:\n    a = stack.enter_context(contextlib.nullcontext(1))\n    out = []\n    stack.callback(out.append, 2)\nreturn a, out",
    "class C:\n    def close(self): self.closed = True\nc = C()\nwith contextlib.closing(c) as d:\n    pass\nreturn c.closed, d is c",
    "@contextlib.contextmanager\ndef cm():\n    yield\n@cm()\ndef f(x): return x + 1\nreturn f(1), f(2)",
    "class C(contextlib.ContextDecorator):\n    def __enter__(self): return self\n    def __exit__(self, *e): return False\n@C()\ndef f(): return 4\nreturn f()",
    "with threading.Lock() as l:\n    pass\nloc = threading.local()\nloc.x = 1\nreturn loc.x, hasattr(loc, 'y')",
    "class A: pass\na = A()\nr = weakref.ref(a)\nd = weakref.WeakValueDictionary()\nd['k'] = a\nreturn r() is a, d['k'] is a, len(d)",
    "v = contextvars.ContextVar('v', default=1)\nt = v.set(5)\na = v.get()\nv.reset(t)\nreturn a, v.get()",
    "m = importlib.import_module('math')\nreturn m.floor(2.5), importlib.import_module('os.path').basename('/a/b')",
    "return importlib.util.find_spec('math') is not None, importlib.util.find_spec('surely_not_a_module_xyz')",
    "importlib.metadata.version('surely-not-installed-xyz')",
    "p = argparse.ArgumentParser()\np.add_argument('--lr', type=float, default=0.1)\np.add_argument('-n', '--num-layers', type=int, default='3')\np.add_argument('--flag', action='store_true')\np.add_argument('--off', action='store_false', dest='on')\nargs = p.parse_args([])\nreturn args.lr, args.num_layers, args.flag, args.on, vars(args)",
    "try:\n    exit(3)\nexcept SystemExit as end:\n    return end.args",
    "return platform.python_implementation(), sys.modules['math'] is math, 'math' in sys.modules",
]

HEADER = """
import abc, argparse, bisect, collections, collections.abc, contextlib, contextvars, copy, dataclasses, enum, fnmatch
import fractions, functools, heapq, importlib, importlib.metadata, importlib.util, inspect, itertools, json, logging, math
import numbers, operator, os, pathlib, platform, re, statistics, string, sys, textwrap, threading, types, typing, warnings, weakref
"""


if sys.version_info < (3, 11):  # the interpreted program sees 3.11, the Python that it is compared with here is older
    ENUM[:] = [body for body in ENUM if "StrEnum" not in body and "member(" not in body]


def lines(table: str) -> list[str]:
    return [line for line in table.strip().splitlines() if line.strip()]


TABLES = {
    "math": lines(MATH), "itertools": lines(ITERTOOLS), "functools": FUNCTOOLS, "collections": COLLECTIONS,
    "abstract": ABSTRACT, "typing": TYPING, "copy": COPY, "dataclasses": DATACLASSES, "enum": ENUM, "inspect": INSPECT,
    "re": lines(RE), "text": TEXT, "contexts": CONTEXTS,
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_same_as_python(tmp_path: Path, name: str) -> None:
    check(tmp_path, TABLES[name], HEADER)
