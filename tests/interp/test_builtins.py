"""Builtin functions and types: the interpreter and Python on the same source."""

from __future__ import annotations

from pathlib import Path

import pytest
from differential import check

NUMBERS = """
abs(-3)
abs(-2.5)
abs(3+4j)
abs('x')
round(2.5)
round(3.5)
round(2.675, 2)
round(1234, -2)
round('x')
int.__radd__()
object.__new__()
object.__setattr__(1)
object.__getattribute__(1)
str.upper()
list.append()
divmod(17, 5)
divmod(-17, 5)
divmod(7.5, 2)
divmod(1, 0)
pow(2, 10)
pow(3, -1)
pow(3, 4, 5)
int('42')
int(' -7 ')
int('ff', 16)
int('0x1f', 0)
int('z')
int(3.9)
int(-3.9)
int(True)
int()
int(float('inf'))
int(None)
int([1])
int('12', base=8)
float('1.5')
float('nan')
float('inf') > 10 ** 300
float(3)
float('x')
float()
complex(1, 2)
complex('1+2j')
bool([])
bool('a')
bool()
bool(0.0)
sum([1, 2, 3])
sum([1.5, 2], 10)
sum([[1], [2]], [])
sum(['a'])
sum(range(101))
sum(range(10, 0, -3))
sum((), 5)
min(3, 1, 2)
max([3, 1, 2])
max('hello')
min([], default=7)
min([])
max(['a', 'bbb', 'cc'], key=len)
min([(2, 'a'), (1, 'z')])
max(1, 2.0)
max(range(5))
max(1, 'a')
max(3)
bin(10)
hex(255)
oct(8)
hex(-255)
chr(97)
ord('a')
ord('ab')
chr(-1)
hash(5)
(5).bit_length()
(5).to_bytes(2, 'big')
(2.0).is_integer()
(0.75).as_integer_ratio()
(3).real
int.from_bytes(b'\\x01\\x02', 'big')
float.fromhex('0x1p-2')
7 // -2
-7 % 3
7 / 2
2 ** -1
1 << 10
~5
5 & 3 | 8 ^ 1
1 < 2 < 3
3 > 2 > 2
True + True
1 == 1.0
'a' < 'b'
1 < 'a'
None + 1
'a' + 1
[1] + (2,)
not []
"""

SEQUENCES = """
[3, 1, 2].index(2)
[1].index(5)
[1, 2, 1].count(1)
[1, 2, 3][::-1]
[1, 2, 3][5]
(1, 2, 3)[-1]
(1, 2)['a']
'hello'[1:3]
'hello'[10]
[1, 2, 3][1:][0]
list('abc')
list({'a': 1, 'b': 2})
list(range(3, 10, 2))
list(5)
tuple([1, 2])
tuple('ab')
list(zip([1, 2], 'ab', (True, False)))
list(zip([1, 2, 3], [1]))
list(zip([1, 2], [1], strict=True))
list(zip())
list(enumerate('ab', 5))
list(enumerate(['x'], start=1))
list(map(lambda a, b: a * b, [1, 2], [3, 4]))
list(map(str, [1, 2.5, None]))
list(filter(None, [0, 1, '', 'a']))
list(filter(lambda x: x > 1, [1, 2, 3]))
list(reversed([1, 2, 3]))
list(reversed('ab'))
list(reversed(range(4)))
list(reversed({'a': 1, 'b': 2}))
list(reversed(5))
sorted([3, 1, 2])
sorted('bca', reverse=True)
sorted(['bb', 'a', 'ccc'], key=len)
sorted([(1, 'b'), (1, 'a'), (0, 'c')])
sorted([(1, 'b'), (1, 'a'), (0, 'c')], key=lambda t: t[0])
sorted([(1, 'b'), (1, 'a'), (0, 'c')], key=lambda t: t[0], reverse=True)
sorted([1, 'a'])
sorted({'b': 1, 'a': 2}.items(), key=lambda kv: kv[1])
sorted([1.5, 1, True, 0])
any([0, '', 3])
all([1, [], 2])
all([])
any(x > 2 for x in range(5))
len('abc')
len([1, [2, 3]])
len({1, 2, 2})
len(range(0, 100, 7))
len(5)
next(iter([1, 2]))
next(iter([]))
next(iter([]), 'none')
list(iter([1, 2, 3]))
isinstance(classmethod(len), classmethod)
isinstance(staticmethod(len), (classmethod, staticmethod))
isinstance(property(len), property)
isinstance(classmethod(len), staticmethod)
isinstance(len, staticmethod)
type(property(len)) is property
type(classmethod(len)).__name__
'mro' in object.__dict__
'__init__' in object.__dict__
'append' in list.__dict__
object.__dict__.get('forward', 3)
int.__bases__
[base.__dict__.get('missing') for base in bool.__mro__]
range(5)[2]
range(5)[10]
range(10)[2:5]
3 in range(5)
range(0)
list(range(5, 0, -2))
range(1, 2, 0)
range('a')
slice(1, 2).start
[0, 1, 2, 3][slice(1, 3)]
slice(None, 5, 2).indices(4)
[1, 2] == [1, 2]
[1, 2] < [1, 3]
(1, 'a') < (1, 'b')
[1, 2] * 2
2 * 'ab'
[1] * -1
'b' in 'abc'
2 in [1, 2]
5 in 'abc'
[*range(3), *'ab']
{**{'a': 1}, 'b': 2}
max(*[1, 2, 3])
[x for x in range(10) if x % 2]
{x: x * x for x in range(3)}
{x % 3 for x in range(10)}
[(i, j) for i in range(2) for j in range(i, 2)]
(lambda *a, **k: (a, k))(1, 2, x=3)
"""

CHANGES = [
    "a = [1]\na.extend(a[-1] * 2 for _ in range(4))\nreturn a",
    "a = [1]\na += (a[-1] + len(a) for _ in range(4))\nreturn a",
    "from collections import deque\na = deque([1])\na.extend(a[-1] + 1 for _ in range(3))\na.extend(a)\nreturn list(a)",
    "a = [1, 2]\na.extend(a)\na += a\nreturn a",
    "a = [1, 2]\na.append(3)\na.extend([4, 5])\na.extend('ab')\na.insert(0, 0)\na.insert(100, 9)\na.insert(-1, 8)\nreturn a",
    "a = [1, 2, 3]\nb = (a.pop(), a.pop(0), a)\nreturn b",
    "return [].pop()",
    "return [1].pop(5)",
    "a = [1, 2, 1]\na.remove(1)\nreturn a",
    "[1].remove(2)",
    "a = [3, 1, 2]\na.sort()\nb = a.copy()\na.reverse()\na.sort(key=lambda x: -x)\nreturn a, b",
    "a = [1, 2, 3, 4]\na[1:3] = [9]\na[0] = 7\ndel a[-1]\nreturn a",
    "a = [1, 2, 3, 4]\na[::2] = [9, 8]\nreturn a",
    "a = [1, 2, 3]\na[::2] = [1]\nreturn a",
    "a = [1]\na[3] = 1",
    "a = (1,)\na[0] = 2",
    "a = [1, 2]\na += [3]\na *= 2\nreturn a",
    "a = [1]\nb = a\nb += (2,)\nreturn a is b, a",
    "a = [1, 2, 3]\na.clear()\nreturn a",
    "a, *b, c = [1, 2, 3, 4]\nreturn a, b, c",
    "a, b = [1, 2, 3]",
    "a = []\na.append(a)\nreturn repr(a)",
    "a = [1, 2, 3]\nfor x in a:\n    if x < 3:\n        a.append(x + 5)\n    if len(a) > 6: break\nreturn a",
]

DICTS = [
    "d = {'a': 1}\nd['b'] = 2\nreturn d, list(d.items()), list(d.keys()), list(d.values())",
    "d = {'a': 1}\nreturn d.get('a'), d.get('x'), d.get('x', 5), 'a' in d, len(d)",
    "return {}['x']",
    "return {}[[]]",
    "return {[]: 1}",
    "d = {'a': 1}\nreturn d.pop('a'), d.pop('a', None), d",
    "return {}.pop('x')",
    "d = {'a': 1, 'b': 2}\nreturn d.popitem(), d",
    "return {}.popitem()",
    "d = {}\nd.setdefault('a', []).append(1)\nd.setdefault('a', []).append(2)\nreturn d",
    "d = {'a': 1}\nd.update({'b': 2}, c=3)\nd.update([('d', 4)])\nd.update(e=5)\nd.update()\nreturn d",
    "{}.update([1])",
    "{}.update([(1, 2, 3)])",
    "{}.update(5)",
    "d = {'a': 1}\ne = d.copy()\ne['b'] = 2\nd.clear()\nreturn d, e",
    "return dict.fromkeys('ab', 0), dict.fromkeys([1, 2])",
    "return dict(a=1), dict([('x', 1)]), dict({'y': 2}, z=3), dict(zip('ab', [1, 2])), dict()",
    "return {'a': 1} | {'b': 2}, {'a': 1, 'b': 2} == {'b': 2, 'a': 1}",
    "d = {'a': 1}\nd |= {'a': 2}\nreturn d",
    "d = {'a': 1, 'b': 2}\nreturn sorted(d.keys() & {'a', 'z'}), sorted(d.keys() | ['q']), sorted(d.keys() - {'a'})",
    "d = {'a': 1, 'b': 2}\nreturn d.keys() == {'a', 'b'}, ('a', 1) in d.items(), 1 in d.values(), 'a' in d.keys()",
    "d = {'a': 1, 'b': 2}\nreturn d.keys() <= {'a', 'b', 'c'}, d.keys() >= {'a'}, d.keys().isdisjoint(['z'])",
    "d = {'a': 1, 'b': 2}\ndel d['a']\nreturn d",
    "d = {}\ndel d['a']",
    "d = {'b': 1, 'a': 2}\nreturn sorted(d), max(d, key=d.get), min(d.values()), list(reversed(d))",
    "d = {1: 'a', 1.0: 'b', True: 'c'}\nreturn d",
    "d = {(1, 2): 'x', None: 'y'}\nreturn d[1, 2], d[None]",
    "return {k: v for k, v in zip('abc', range(3)) if v}",
    "d = {'a': 1, 'b': 2, 'c': 1}\nreturn {v: k for k, v in d.items()}, {k: k for k, _ in d.items()}, {v: v for _, v in d.items()}",
    "k = 7\nd = {'a': 1}\nreturn {v: k for _, v in d.items()}, {k: v for v, k in d.items()}, k",
    "d = {'a': [1], 'b': (2,)}\nfound = {k: v for k, v in d.items()}\nfound['a'].append(3)\nreturn d, found",
    "d = {'a': True, 'b': 1.5, 'c': None}\nreturn {v: k for k, v in d.items()}",
    "d = {'a': [1]}\nreturn {v: k for k, v in d.items()}",
    "d = {'a': 1}\nreturn {x: y for x, y in {k: v for k, v in d.items()}.items()}, {v: k for k, v in d.items() if v}",
    "d = {'ab': 1}\nreturn {x: v for (x, y), v in d.items()}, {i: j for i, j in d.keys()}",
    "d = {'a': {'b': 1}}\nd['a']['b'] += 1\nreturn d",
    "return list({'a': 1}.items())[0], dict.get({'a': 3}, 'a'), dict.items({'a': 1})",
    "d = dict(a=1)\nreturn d.__getitem__('a'), d.__contains__('b'), d.__len__()",
]

SETS = [
    "return {x for x in [[1]]}",
    "s = {1, 2}\ns.add(3)\ns.discard(9)\ns.remove(1)\nreturn s",
    "set().remove(1)",
    "set().pop()",
    "return {5}.pop()",
    "return {1, 2} | {3}, {1, 2} & {2, 3}, {1, 2} - {2}, {1, 2} ^ {2, 3}, {1} < {1, 2}, {1, 2} <= {1}",
    "return {1, 2}.union([3], (4,)), {1, 2, 3}.intersection([2, 3], [3]), {1, 2}.difference([1]), {1, 2}.issubset([1, 2, 3])",
    "s = {1}\ns.update([2], [3])\ns |= {4}\ns &= {1, 2, 4}\ns -= {4}\nreturn s, s.isdisjoint([9]), s.issuperset([1]), s.copy()",
    "return set([1, 2, 1]), frozenset('ab'), set('aab'), set(), frozenset()",
    "return set([[]])",
    "return {1}.add([])",
    "return 1 in {1, 2}, len({1, 2}), sorted({3, 1, 2}), sum({1, 2})",
    "return {frozenset([1]): 'a'}[frozenset([1])]",
    "s = {1, 2}\ns.symmetric_difference_update([2, 3])\nreturn s, {1, 2}.symmetric_difference([2])",
    "return {1, 2} | [3]",
]

OBJECTS = [
    "return isinstance(1, int), isinstance(True, int), isinstance('a', (int, str)), isinstance([], list), isinstance(None, type(None))",
    "return isinstance(int, type), isinstance(1, object), issubclass(bool, int), issubclass(int, (str, float))",
    "class A:\n    x = 1\na = A()\na.y = 2\nreturn hasattr(a, 'x'), hasattr(a, 'z'), getattr(a, 'y'), getattr(a, 'q', 9), vars(a)",
    "class A: pass\nreturn getattr(A(), 'q')",
    "class A: pass\na = A()\nsetattr(a, 'k', 3)\ndelattr(a, 'k')\nreturn hasattr(a, 'k'), a.__dict__",
    "class A: pass\ndelattr(A(), 'k')",
    "class A:\n    def f(self): pass\nreturn callable(A), callable(A().f), callable(A()), callable(len), callable(3)",
    "class A:\n    def __call__(self): return 5\nreturn callable(A()), A()()",
    "class A:\n    def __len__(self): return 3\n    def __getitem__(self, i):\n        if i > 2: raise IndexError\n        return i * 2\nreturn len(A()), list(A()), A()[1], 4 in A(), list(reversed(A()))",
    "class A:\n    def __iter__(self): return iter([1, 2])\nreturn list(A()), sum(A()), max(A()), tuple(A()), [*A()]",
    "class A:\n    def __init__(self): self.n = 0\n    def __iter__(self): return self\n    def __next__(self):\n        self.n += 1\n        if self.n > 3: raise StopIteration\n        return self.n\nreturn list(A()), next(A()), next(iter(A()))",
    "class A:\n    def __bool__(self): return False\nreturn bool(A()), not A(), any([A()])",
    "class A:\n    def __int__(self): return 7\n    def __float__(self): return 1.5\n    def __index__(self): return 2\nreturn int(A()), float(A()), [1, 2, 3][A()], list(range(A()))",
    "class A:\n    def __str__(self): return 'S'\n    def __repr__(self): return 'R'\nreturn str(A()), repr(A()), f'{A()} {A()!r}', [A()].__repr__(), '%s %r' % (A(), A()), '{} {!r}'.format(A(), A())",
    "class A:\n    def __format__(self, spec): return 'F' + spec\nreturn f'{A():x}', format(A(), 'y'), '{:z}'.format(A())",
    "class A:\n    def __abs__(self): return 1\n    def __round__(self, n=None): return 2\n    def __reversed__(self): return iter([3])\nreturn abs(A()), round(A()), list(reversed(A()))",
    "class A:\n    def __eq__(self, o): return True\n    def __lt__(self, o): return True\nreturn A() == 1, A() != 1, A() in [2], [5].index(A()), max([A(), A()]) is not None",
    "return type(1), type('a'), type([]), type(None), type(1) is int, type(type)",
    "class A: pass\nreturn type(A()) is A, type(A()).__name__, A().__class__.__name__, A.__name__",
    "class A(dict):\n    def hi(self): return len(self)\na = A(x=1)\na['y'] = 2\nreturn a, a.hi(), a.get('x'), 'y' in a, list(a), isinstance(a, dict), sorted(a.items())",
    "class A(list): pass\na = A([1, 2])\na.append(3)\nreturn a, len(a), a[0], isinstance(a, list), a + [4], a == [1, 2, 3]",
    "class A(str): pass\nreturn A('ab').upper(), A('x') + 'y', len(A('abc')), {'k': 1}[A('k')], A('a') == 'a', 'x%s' % A('q'), ''.join([A('m')])",
    "class A(int): pass\nreturn A(3) + 1, A(5) > 2, range(A(2)), [0, 1][A(1)]",
    "class A(Exception): pass\ntry:\n    raise A('msg', 2)\nexcept A as e:\n    return e.args, str(e), isinstance(e, Exception)",
    "try:\n    raise ValueError('bad')\nexcept ValueError as e:\n    return str(e), e.args, repr(e)",
    "try:\n    {}['k']\nexcept KeyError as e:\n    return str(e), e.args",
    "try:\n    [][1]\nexcept IndexError as e:\n    return str(e)",
    "class A:\n    @property\n    def p(self): return 4\n    @staticmethod\n    def s(): return 5\n    @classmethod\n    def c(cls): return cls.__name__\nreturn A().p, A.s(), A().s(), A.c(), A().c()",
    "class A:\n    def __init__(self): self._v = 1\n    @property\n    def v(self): return self._v\n    @v.setter\n    def v(self, x): self._v = x * 2\na = A()\na.v = 5\nreturn a.v",
    "class A:\n    v = property(lambda self: 3)\nreturn A().v",
    "class A:\n    @property\n    def v(self): return self._v\n    @v.setter\n    def v(self, x): self._v = x * 2\nclass B(A):\n    @property\n    def v(self): return A.v.__get__(self, B) + 1\n    @v.setter\n    def v(self, x): A.v.__set__(self, x)\nb = B()\nb.v = 5\nreturn b.v, A.v.__get__(None, A) is A.v",
    "class A:\n    @property\n    def v(self): return 1\nA.v.__set__(A(), 2)",
    "class A:\n    @property\n    def v(self): return 1\n    @v.deleter\n    def v(self): self.gone = True\na = A()\nA.v.__delete__(a)\nreturn a.gone",
    "T = type('T', (), {'x': 5, 'f': lambda self: self.x})\nreturn T().f(), T.__name__",
    "class B: x = 1\nT = type('T', (B,), {})\nreturn T().x, issubclass(T, B)",
    "o = object()\nreturn o is o, o == object(), isinstance(o, object)",
    "import copy\nclass A(dict):\n    def __init__(self, *args, **given):\n        super().__init__(*args, **given)\n        self.__dict__ = self\na = A({'x': 1}, w=7)\na.y = 2\na['z'] = 3\nb = copy.deepcopy(a)\nb.x = 5\nreturn a.x, a.w, a['y'], a.z, len(a), hasattr(a, 'q'), sorted(vars(a)), b['x'], sorted(b)",
    "class A:\n    def __init__(self, held): self.__dict__ = held\nheld = {'k': 4}\na = A(held)\na.n = 2\nreturn a.k, held",
    "out = []\nexec('out.append(1 + 2)\\nkept = 3')\nreturn out",
    "space = {'k': 2}\nexec('class A:\\n    v = 3 * k\\nw = A().v', space)\nreturn space['w']",
    "exec('x = = 1')",
    "exec('raise KeyError(3)')",
    "for name in ('upper', 'lower'):\n    exec(f'found = \"aB\".{name}()')\nreturn eval('3 + 4')",
    "class M(type):\n    def __call__(cls, *args, **kwargs):\n        made = type.__call__(cls, *args, **kwargs)\n        made.after(7)\n        return made\nclass A(metaclass=M):\n    def __init__(self, x, y=1): self.x, self.y = x, y\n    def after(self, z): self.z = z\na = A(3, y=4)\nreturn a.x, a.y, a.z, type.__call__(int, '12'), isinstance(a, A)",
    "class M(type):\n    def __new__(mcs, name, bases, space):\n        return super().__new__(mcs, name, bases, space)\n    def __init__(cls, *args):\n        cls.seen = args[0]\n        super().__init__(*args)\n    def __call__(cls, *args):\n        return super().__call__(*args)\nclass A(metaclass=M):\n    def __init__(self, x): self.x = x\nclass B(A): pass\nreturn A(3).x, A.seen, B(4).x, B.seen",
    "def f():\n    'Said.'\ndef g(): pass\nclass A:\n    'Held.'\nf.__doc__ += ' More.'\nreturn f.__doc__, g.__doc__, A.__doc__, A().__doc__, (lambda: 0).__doc__",
    "def f(): pass\nreturn f.__class__ is type(f), f.__class__.__name__, hasattr(f, '__wrapped__'), len.__call__([1]), hasattr(len, '__wrapped__')",
    "def g():\n    yield 1\n    yield 2\nreturn list(g()), next(g()), sum(g()), dict(enumerate(g()))",
    "def g():\n    x = yield 1\n    yield x\ni = g()\nreturn next(i), i.send(9)",
    "return [f.__name__ for f in (len, sorted)], (lambda: 0).__name__",
    "def f(a, *, b=2): return a + b\nreturn f(1), f(1, b=5), f(**{'a': 3})",
    "len(1, 2)",
    "isinstance(1)",
    "getattr(1)",
    "sorted()",
    "[].append()",
    "'a'.upper(1)",
    "{}.get()",
    "return print('x'), print()",
    "return __name__",
    "return id(1) == id(1)",
    "return sorted(n for n in dir([]) if n.startswith('a'))",
    "assert 1 == 2, 'no'",
    "return [c.__name__ for c in KeyError.__mro__]",
    "try:\n    raise StopIteration(5)\nexcept StopIteration as e:\n    return e.args",
    "x = NotImplemented\nreturn x is NotImplemented, ... is Ellipsis",
    "return list(map(int, '123')), list(map(lambda x: x + 1, filter(lambda x: x % 2, range(6))))",
    "it = iter([1, 2, 3])\nreturn next(it), list(it), list(it)",
    "it = iter(range(3))\nreturn list(zip(it, it))",
    "x = 3\nreturn eval('x + 1'), eval('[i * 2 for i in range(3)]'), eval('a', {'a': 5}), eval(' len(\"ab\") ')",
    "eval('1 +')",
    "eval('undefined_name')",
    "return globals()['__name__'], 'case_0' in globals(), sorted(locals())",
    "y = 1\nreturn sorted(locals()), locals()['y']",
    "n = [0]\ndef f():\n    n[0] += 1\n    return n[0]\nreturn list(iter(f, 4))",
]

PROGRAMS = [
    """
class A:
    def __init__(self, x): self.x = x
    def f(self): return 'A'
    @classmethod
    def c(cls): return 'Ac' + cls.__name__
class B(A):
    def __init__(self, x): super(B, self).__init__(x * 2)
    def f(self): return super(B, self).f() + 'B'
    @classmethod
    def c(cls): return super(B, cls).c() + 'B'
class M:
    def f(self): return 'M'
class C(B, M):
    def f(self): return super(A, self).f()
    def g(self): return [super(C, self).f() for _ in range(1)], (lambda: super(C, self).f())()
return B(2).x, B(1).f(), B.c(), C(1).f(), C(1).g()
""",
    """
class Meta(type):
    def __call__(cls, *a):
        o = super().__call__(*a)
        o.called = True
        return o
    def __iter__(cls): return iter([1, 2])
    def __getitem__(cls, k): return k * 2
    def __len__(cls): return 7
    def __contains__(cls, k): return k == 3
class Single(type):
    _i = {}
    def __call__(cls, *args, **kwargs):
        if cls not in cls._i:
            cls._i[cls] = super(Single, cls).__call__(*args, **kwargs)
        return cls._i[cls]
class S(metaclass=Single): pass
class A(metaclass=Meta):
    def __init__(self, x): self.x = x
return A(3).x, A(3).called, list(A), A[4], len(A), 3 in A, S() is S()
""",
    """
def gen():
    try:
        x = yield 1
        yield x or 2
    finally:
        log.append('done')
log = []
g = gen()
a = next(g), g.send(5)
b = list(g)
def outer():
    r = yield from inner()
    yield r
def inner():
    yield 'i'
    return 'ret'
return a, b, log, list(outer()), next((x for x in [1, 2, 3] if x > 1), None), max((len(s) for s in ['a', 'bb']), default=0)
""",
    """
import string
try:
    try:
        int('x')
    except ValueError as e:
        raise RuntimeError('wrapped') from e
except RuntimeError as e:
    r = str(e), type(e).__name__
try:
    pass
except Exception:
    r2 = 1
else:
    r2 = 2
finally:
    r3 = 3
class E(ValueError):
    def __init__(self, code): super().__init__(f'code {code}'); self.code = code
try: raise E(4)
except (KeyError, ValueError) as e: r4 = e.code, str(e), isinstance(e, ValueError), e.args
return r, r2, r3, r4
""",
    """
class Node:
    def __init__(self, v, l=None): self.v, self.l = v, l
    def __lt__(self, o): return self.v < o.v
    def __hash__(self): return hash(self.v)
    def __eq__(self, o): return isinstance(o, Node) and self.v == o.v
    def __contains__(self, k): return k == self.v
    def __enter__(self): return self
    def __exit__(self, *a): return True
    def __add__(self, o): return Node(self.v + o.v)
    __radd__ = __add__
d = {Node(1): 'a'}
with Node(1) as n:
    raise ValueError
return d[Node(1)], Node(1) in d, d.get(Node(1)), Node(1) in [Node(1)], min(Node(3), Node(2)).v, (Node(1) + Node(2)).v, 3 in Node(3), sorted([Node(2), Node(1)])[0].v, n.v
""",
    """
class D:
    def __set_name__(self, o, n): self.n = n
    def __get__(self, o, t=None): return self.n if o is not None else self
    def __set__(self, o, v): o.__dict__['_' + self.n] = v
class A:
    f = D()
a = A()
a.f = 9
class B:
    def __init_subclass__(cls, /, tag=None, **kw): cls.tag = tag
class C(B, tag='t'): pass
class P:
    def __class_getitem__(cls, k): return (cls.__name__, k)
return a.f, a._f, C.tag, P[3]
""",
    """
class Meta(type):
    def __new__(meta, name, bases, space):
        return super().__new__(meta, name, bases, space)
    def __call__(cls, *args):
        one = cls.__new__(cls)
        one.before = True
        one.__init__(*args)
        return one
class A(metaclass=Meta):
    def __init__(self, n): self.n = n
class B(A): pass
class C(metaclass=Meta): pass
return A(3).n, B(4).n, B(4).before, C().before
""",
    """
class Frozen(dict):
    def __setitem__(self, k, v): raise TypeError
class Names(list[str]): pass
class Table(Frozen[str, int]): pass
class Kind(type):
    def __getitem__(cls, k): return k
class Own(metaclass=Kind): pass
return Frozen[str, int](a=1)['a'], Names(['x'])[0], Names[int](['y']), Table(b=2)['b'], Own[3]
""",
    """
def f(*args, sep=',', **kw):
    return sep.join(map(str, args)), kw
return f(1, 2, sep='-', z=3), (lambda x, /, y=2: x + y)(1), [*map(lambda t: t[0] + t[1], zip([1, 2], [3, 4]))], {**dict(a=1), 'b': 2}, (y := 5) + y, [i for i in range(5) if (j := i) % 2], sum(x ** 2 for x in range(4)), any(isinstance(v, str) for v in (1, 'a'))
""",
]

TEXT = r"""
'abc'.upper(), 'ABC'.lower(), 'abc'.capitalize(), 'a b'.title(), 'aB'.swapcase(), 'SS'.casefold()
'a,b,,c'.split(','), 'a  b'.split(), 'a,b,c'.split(',', 1), 'a,b,c'.rsplit(',', 1), 'x'.split('')
'a.b.c'.partition('.'), 'a.b.c'.rpartition('.'), 'abc'.partition('x')
' ab '.strip(), 'xxaxx'.strip('x'), ' a'.lstrip(), 'a '.rstrip()
'abc'.replace('b', 'X'), 'aaa'.replace('a', 'b', 2), 'abc'.replace('', '-')
'abc'.find('c'), 'abc'.find('z'), 'abc'.rfind('a'), 'abcb'.count('b'), 'abc'.index('b')
'abc'.index('z')
'abc'.startswith('ab'), 'abc'.endswith(('x', 'c')), 'abc'.startswith('b', 1)
'abc'.removeprefix('a'), 'abc'.removesuffix('bc')
'-'.join(['a', 'b']), ''.join('xyz'), ', '.join(str(i) for i in range(3)), '-'.join([])
'-'.join([1, 2])
'-'.join(5)
'7'.zfill(3), 'a'.ljust(3, '.'), 'a'.rjust(3), 'a'.center(4, '*'), 'a\tb'.expandtabs(4)
'12'.isdigit(), 'ab1'.isalnum(), 'ab'.isalpha(), 'Ab'.islower(), 'AB'.isupper(), ' '.isspace(), 'a1'.isidentifier()
'a\nb\r\nc'.splitlines(), 'a\nb'.splitlines(True)
'abc'.encode(), b'abc'.decode(), 'é'.encode('latin-1'), b'\xff'.decode('utf-8')
'abc'.translate(str.maketrans('ab', 'xy')), 'abc'.translate({97: None})
b'abc'.upper(), b'a,b'.split(b','), b'abc'[0], b'abc'.hex(), bytes.fromhex('0aff'), list(b'ab'), bytes(3), bytes([1, 2])
'{} {}'.format(1, 'a'), '{1} {0}'.format('a', 'b'), '{x}'.format(x=3), '{0[1]} {1.real}'.format([1, 2], 5)
'{:>5}|{:<5}|{:^5}|{:05d}|{:.2f}|{:,}|{:x}|{:%}'.format('a', 'b', 'c', 42, 3.14159, 1234567, 255, 0.5)
'{!r} {!s}'.format('a', 'a'), '{{}}'.format(), '{:{}}'.format('a', 5)
'{} {}'.format(1)
'{x}'.format()
'{:d}'.format('a')
'{:>5}'.format([1])
'%s %d %r %5.2f %x %%' % ('a', 3, 'b', 2.5, 255)
'%(a)s-%(b)03d' % {'a': 1, 'b': 2}
'%s' % (1,), '%s' % [1, 2], '%s' % None, '%-5s|' % 'a', '%+d' % 3, '%*d' % (5, 3)
'%s %s' % (1,)
'%s' % (1, 2)
'%d' % 'a'
'%d' % 3.7, '%i' % True, '%c' % 65, '%e' % 12345.678, '%g' % 0.0001
f'{1 + 1} {"a"!r} {3.14159:.2f} {5:>3} {True} {None} {[1, "a"]} {dict(a=1)}'
f'{1:b} {255:#x} {1e10:g} {1234567:,} {0.25:.1%} {"a":>{4}}'
str(1.0), str(1e20), str(None), str([1, 'a', None, 2.5]), str((1,)), str({'a': (1, 2)}), str(()), str({1}), str(set()), str(frozenset())
repr('a\'b'), repr("x\n"), repr(1.5), repr(b'a'), repr([1, [2]]), repr({'k': 'v'}), repr(range(3)), repr(slice(1, 2)), repr(None), repr(int)
str(b'ab', 'utf-8'), str(int), str(ValueError('x')), str(KeyError('x')), str(ValueError()), str(ValueError(1, 2)), repr(KeyError('x'))
ascii('é'), format(3.14159, '.3f'), format('a', '>4'), format(5), format(1234, '_d')
format([], '>3')
'abc'[::-1], 'a' * 3, 'a' 'b', 'ab' in 'cab', 'abc' > 'abd', len('é')
'a' + 'b' + str(1)
str(True), str(1j), str(-0.0), repr(1e-7), str(10 ** 20), repr('\u2603')
"Hello World".lower().replace(' ', '_').split('_')[0].title()
'a-b_c'.replace('-', '_').split('_'), 'x.weight'.rsplit('.', 1)[-1], 'layer.10.attn'.split('.')[1].isdigit()
"a {} b".format_map({}) if False else '{k}'.format_map({'k': 1})
'aAbB'.isascii(), 'x'.isprintable(), '½'.isnumeric(), '5'.isdecimal(), 'A b'.istitle()
str.upper('a'), str.join('-', ['a', 'b']), list(map(str.strip, [' a ', 'b '])), sorted(['b', 'A'], key=str.lower)
"""


def lines(table: str) -> list[str]:
    return [line for line in table.strip().splitlines() if line.strip()]


@pytest.mark.parametrize(
    "bodies",
    [lines(NUMBERS), lines(SEQUENCES), CHANGES, DICTS, SETS, OBJECTS, PROGRAMS, lines(TEXT)],
    ids=["numbers", "sequences", "changes", "dicts", "sets", "objects", "programs", "text"],
)
def test_same_as_python(tmp_path: Path, bodies: list[str]) -> None:
    check(tmp_path, bodies)
