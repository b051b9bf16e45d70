"""A small numpy: arrays of known Python numbers, as model constructors compute with them.

What is missing here is unknown to the analysis; so are the numbers that a random generator returns.
"""

import builtins
import itertools
import math

import numpy
from torch import _C

__version__ = "2.3.5"

pi = math.pi
e = math.e
inf = math.inf
nan = math.nan
newaxis = None
euler_gamma = 0.5772156649015329

_MOST = 50_000  # elements that are computed one by one


class generic:
    pass


class number(generic):
    pass


class integer(number):
    pass


class floating(number):
    pass


class bool_(int):
    def item(self):
        return builtins.bool(int(self))


class str_(generic):
    """Of arrays of words, which are kept as they are."""


class object_(generic):
    """Of arrays of anything else that is no number, kept as it is too."""


class float64(float):
    def __new__(cls, x=0.0):
        return array(x).astype(cls) if isinstance(x, (ndarray, list, tuple)) else float.__new__(cls, x)

    def item(self):
        return float(self)

    def astype(self, dtype):
        return _as_scalar(float(self), dtype)

    @property
    def shape(self):
        return ()

    @property
    def dtype(self):
        return float64

    def tolist(self):
        return float(self)


class int64(int):
    def __new__(cls, x=0):
        return array(x).astype(cls) if isinstance(x, (ndarray, list, tuple)) else int.__new__(cls, x)

    def item(self):
        return int(self)

    def astype(self, dtype):
        return _as_scalar(int(self), dtype)

    @property
    def shape(self):
        return ()

    @property
    def dtype(self):
        return int64

    def tolist(self):
        return int(self)


class float32(float64):
    pass


class float16(float64):
    pass


class int32(int64):
    pass


class int16(int64):
    pass


class int8(int64):
    pass


class uint8(int64):
    pass


class uint16(int64):
    pass


class uint32(int64):
    pass


class uint64(int64):
    pass


double = float64
single = float32
half = float16
int_ = int64
intp = int64
float_ = float64


def _is_integer(dtype):
    return dtype is int or dtype is builtins.bool or (isinstance(dtype, type) and issubclass(dtype, int))


def _as_scalar(value, dtype):
    if isinstance(value, complex):
        return numpy.complex_elements
    if dtype is str_ or dtype is object_:
        return value
    if dtype is None:
        return int64(value) if isinstance(value, int) else float64(value)
    if dtype is builtins.bool or dtype is bool_:
        return builtins.bool(value)
    if isinstance(dtype, str):
        dtype = int64 if dtype.startswith(("int", "uint", "i", "u")) else float64
    if dtype is int:
        return int64(int(value))
    if dtype is float:
        return float64(value)
    return dtype(int(value)) if _is_integer(dtype) else dtype(value)


def _plain(value):
    if isinstance(value, builtins.bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, complex):
        return numpy.complex_elements
    return value if isinstance(value, str) or value is None else float(value)


def _plain_all(data):
    return [_plain(x) for x in data]


def _cast(data, dtype):
    return [_plain(_as_scalar(x, dtype)) for x in data]


def _total(shape):
    total = 1
    for size in shape:
        total *= size
    return total


def _unread(shape, dtype):
    """An array of known shape whose elements are not computed: one by one would take too long."""
    return ndarray([numpy.elements_of_a_large_array] * _total(shape), shape, dtype)


def _nest(data, shape):
    if not shape:
        return data[0]
    step = _total(shape[1:])
    return [_nest(data[i * step : (i + 1) * step], shape[1:]) for i in range(shape[0])]


def _flatten(value):
    """Elements in row-major order, and the shape."""
    if isinstance(value, ndarray):
        return list(value._data), value.shape
    if isinstance(value, range):
        value = list(value)
    if isinstance(value, (list, tuple)):
        parts = [_flatten(item) for item in value]
        data = []
        for part, _ in parts:
            data += part
        return data, (len(parts), *(parts[0][1] if parts else ()))
    if hasattr(value, "tolist"):
        return _flatten(value.tolist())
    return [value], ()


def _common(data):
    kinds = builtins.set(builtins.map(type, data))  # few, of however many numbers
    if data and builtins.all(issubclass(kind, (builtins.bool, bool_)) for kind in kinds):
        return bool_
    if builtins.any(issubclass(kind, complex) for kind in kinds):
        return numpy.complex128
    if builtins.all(issubclass(kind, int) for kind in kinds):
        return int64
    if type(None) in kinds:
        return object_
    return str_ if builtins.all(issubclass(kind, str) for kind in kinds) else float64


def _alike(data):
    """Numbers as they stand in one array: as floats as soon as one is a float."""
    if builtins.any(isinstance(x, float) for x in data):
        return [float(x) if isinstance(x, (int, float)) else x for x in data]
    return data


class ndarray:
    def __init__(self, data, shape, dtype=None):
        self._data = data
        self.shape = tuple(shape)
        self.dtype = dtype if dtype is not None else _common(data)

    @property
    def ndim(self):
        return len(self.shape)

    @property
    def size(self):
        return len(self._data)

    @property
    def T(self):
        return self.transpose()

    @property
    def flat(self):
        return iter([_as_scalar(x, None) for x in self._data])

    def tolist(self):
        return _nest(_plain_all(self._data), self.shape)

    def item(self, *index):
        return _plain(self._data[index[0] if index else 0])

    def astype(self, dtype, copy=True):
        if self.size > _MOST:
            return _unread(self.shape, dtype)
        return ndarray(_cast(self._data, dtype), self.shape, dtype)

    def copy(self):
        return ndarray(list(self._data), self.shape, self.dtype)

    def reshape(self, *shape):
        if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
            shape = shape[0]
        known = _total([s for s in shape if s != -1])
        sizes = [len(self._data) // known if s == -1 else s for s in shape]
        if _total(sizes) != len(self._data):
            raise ValueError(f"cannot reshape array of size {len(self._data)} into shape {tuple(shape)}")
        return ndarray(self._data, sizes, self.dtype)

    def flatten(self):
        return ndarray(list(self._data), (len(self._data),), self.dtype)

    ravel = flatten

    def transpose(self, *axes):
        if len(axes) == 1 and isinstance(axes[0], (tuple, list)):
            axes = axes[0]
        order = [axis % self.ndim for axis in axes] if axes else list(range(self.ndim))[::-1]
        steps = [_total(self.shape[axis + 1 :]) for axis in order]
        shape = [self.shape[axis] for axis in order]
        if self.size > _MOST:
            return _unread(shape, self.dtype)
        return ndarray([self._data[place] for place in _places(shape, steps)], shape, self.dtype)

    def __len__(self):
        return self.shape[0]

    def __iter__(self):
        return iter([self[i] for i in range(self.shape[0])])

    def __getitem__(self, index):
        if index is None or index is Ellipsis or isinstance(index, tuple):
            return self._pick(index if isinstance(index, tuple) else (index,))
        along = None
        if isinstance(index, ndarray):
            along = index.shape
            if builtins.all(isinstance(x, builtins.bool) for x in index._data):
                if index.ndim > 1:
                    return self._masked(index)
                along = None
                picked = [i for i, keep in enumerate(index._data) if keep]
            else:
                picked = index._data
        elif isinstance(index, list):
            picked = index
        elif isinstance(index, slice):
            picked = list(range(self.shape[0]))[index]
        else:
            index = int(index)
            size = self.shape[0]
            if not -size <= index < size:
                raise IndexError(f"index {index} is out of bounds for axis 0 with size {size}")
            step = _total(self.shape[1:])
            index = index % size
            if self.ndim == 1:
                return _as_scalar(self._data[index], self.dtype)
            return ndarray(self._data[index * step : (index + 1) * step], self.shape[1:], self.dtype)
        step = _total(self.shape[1:])
        data = []
        for i in picked:
            i = i % self.shape[0]
            data += self._data[i * step : (i + 1) * step]
        return ndarray(data, (*((len(picked),) if along is None else along), *self.shape[1:]), self.dtype)

    def _masked(self, mask):
        if mask.shape != self.shape:
            return numpy.a_mask_of_some_axes
        picked = [one for one, keep in zip(self._data, mask._data) if keep]
        return ndarray(picked, (len(picked),), self.dtype)

    def _pick(self, index):
        """Basic indexing: integers, slices, new axes, an ellipsis."""
        parts = list(index)
        if builtins.any(not (p is None or p is Ellipsis or isinstance(p, (int, slice))) for p in parts):
            return numpy.indexing_with_several_arrays
        used = len([p for p in parts if p is not None and p is not Ellipsis])
        if used > self.ndim:
            raise IndexError(f"too many indices for array: array is {self.ndim}-dimensional, but {used} were indexed")
        rest = [slice(None)] * (self.ndim - used)
        if builtins.any(p is Ellipsis for p in parts):
            at = [p is Ellipsis for p in parts].index(True)
            parts = parts[:at] + rest + parts[at + 1 :]
        else:
            parts += rest
        offsets = []
        shape = []
        axis = 0
        for part in parts:
            if part is None:
                shape.append(1)
                continue
            size = self.shape[axis]
            step = _total(self.shape[axis + 1 :])
            axis += 1
            if isinstance(part, slice):
                taken = list(range(size))[part]
                shape.append(len(taken))
            else:
                if not -size <= part < size:
                    raise IndexError(f"index {part} is out of bounds for axis {axis - 1} with size {size}")
                taken = [part % size]
            offsets.append([i * step for i in taken])
        if _total(shape) > _MOST:
            return _unread(shape, self.dtype)
        data = [self._data[builtins.sum(each)] for each in itertools.product(*offsets)]
        return ndarray(data, shape, self.dtype) if shape else _as_scalar(data[0], self.dtype)

    def __setitem__(self, index, value):
        if isinstance(index, int) and self.ndim == 1:
            data = list(self._data)
            data[index] = _plain(value)
            self._data = data
        elif not _C._known(index) or not _C._known(self._data) or not _C._known(value) or self.size > _MOST:
            self._data = numpy.an_array_after_assignment_to_a_part
        else:
            chosen = ndarray(list(range(self.size)), self.shape, int64)[index]
            places = chosen._data if isinstance(chosen, ndarray) else [int(chosen)]
            given = broadcast_to(asarray(value), chosen.shape)._data
            data = list(self._data)
            for place, one in zip(places, given):
                data[place] = _plain(one) if isinstance(one, str) or one is None else _plain(_as_scalar(one, self.dtype))
            self._data = data

    def __add__(self, other):
        return _zip(lambda a, b: a + b, self, other)

    def __radd__(self, other):
        return _zip(lambda a, b: b + a, self, other)

    def __sub__(self, other):
        return _zip(lambda a, b: a - b, self, other)

    def __rsub__(self, other):
        return _zip(lambda a, b: b - a, self, other)

    def __mul__(self, other):
        return _zip(lambda a, b: a * b, self, other)

    def __rmul__(self, other):
        return _zip(lambda a, b: b * a, self, other)

    def __truediv__(self, other):
        return _divided(self, other)

    def __rtruediv__(self, other):
        return _divided(other, self)

    def __floordiv__(self, other):
        return _zip(lambda a, b: a // b, self, other)

    def __mod__(self, other):
        return _zip(lambda a, b: a % b, self, other)

    def __pow__(self, other):
        return _raised(self, other)

    def __rpow__(self, other):
        return _raised(other, self)

    def __rfloordiv__(self, other):
        return _zip(lambda a, b: b // a, self, other)

    def __rmod__(self, other):
        return _zip(lambda a, b: b % a, self, other)

    def __matmul__(self, other):
        return matmul(self, other)

    def __rmatmul__(self, other):
        return matmul(other, self)

    def __and__(self, other):
        return _zip(lambda a, b: a & b, self, other)

    def __or__(self, other):
        return _zip(lambda a, b: a | b, self, other)

    def __xor__(self, other):
        return _zip(lambda a, b: a ^ b, self, other)

    def __invert__(self):
        return _map(lambda a: not a if isinstance(a, builtins.bool) else ~a, self)

    def __bool__(self):
        if self.size != 1:
            raise ValueError("The truth value of an array with more than one element is ambiguous.")
        return builtins.bool(self._data[0])

    def __int__(self):
        return int(self.item())

    def __float__(self):
        return float(self.item())

    def __neg__(self):
        return _map(lambda a: -a, self)

    def __abs__(self):
        return _map(lambda a: builtins.abs(a), self)

    def __lt__(self, other):
        return _zip(lambda a, b: a < b, self, other)

    def __le__(self, other):
        return _zip(lambda a, b: a <= b, self, other)

    def __gt__(self, other):
        return _zip(lambda a, b: a > b, self, other)

    def __ge__(self, other):
        return _zip(lambda a, b: a >= b, self, other)

    def __eq__(self, other):
        return _zip(lambda a, b: a == b, self, other)

    def __ne__(self, other):
        return _zip(lambda a, b: a != b, self, other)

    def sum(self, axis=None, keepdims=False):
        return sum(self, axis, keepdims)

    def prod(self, axis=None, keepdims=False):
        return prod(self, axis, keepdims)

    def mean(self, axis=None, keepdims=False):
        return mean(self, axis, keepdims)

    def max(self, axis=None, keepdims=False):
        return max(self, axis, keepdims)

    def min(self, axis=None, keepdims=False):
        return min(self, axis, keepdims)

    def cumsum(self, axis=None):
        return cumsum(self, axis)

    def argmax(self, axis=None):
        return argmax(self, axis)

    def argmin(self, axis=None):
        return argmin(self, axis)

    def all(self):
        return builtins.all(self._data)

    def any(self):
        return builtins.any(self._data)


def _map(fn, value):
    if isinstance(value, (ndarray, list, tuple)):
        data, shape = _flatten(value)
        if len(data) > _MOST:
            return _unread(shape, int64 if isinstance(fn(_plain(data[0])), int) else float64)
        return ndarray([fn(_plain(x)) for x in data], shape)
    return _as_scalar(fn(_plain(value)), None)


def _strides(shape, rank):
    """How far one step along each of `rank` axes moves in row-major data; 0 along axes that repeat."""
    steps = []
    step = 1
    for size in reversed(shape):
        steps.append(0 if size == 1 else step)
        step *= size
    return [0] * (rank - len(shape)) + steps[::-1]


def _broadcast(sa, sb):
    rank = builtins.max(len(sa), len(sb))
    left = (1,) * (rank - len(sa)) + tuple(sa)
    right = (1,) * (rank - len(sb)) + tuple(sb)
    for x, y in zip(left, right):
        if x != y and x != 1 and y != 1:
            raise ValueError(f"operands could not be broadcast together with shapes {tuple(sa)} {tuple(sb)}")
    return tuple(y if x == 1 else x for x, y in zip(left, right))


def _places(shape, steps):
    """Where the elements of an array are in flat data, in row-major order. steps: from one to the next along each axis."""
    places = [0]
    for size, step in zip(shape, steps):
        places = [place + i * step for place in places for i in range(size)]
    return places


def _spread(data, shape, target):
    """Elements of an array broadcast to `target`."""
    if tuple(shape) == tuple(target):
        return data
    return [data[place] for place in _places(target, _strides(shape, len(target)))]


def _zip(fn, left, right):
    a, sa = _flatten(left)
    b, sb = _flatten(right)
    if _total(_broadcast(sa, sb)) > _MOST:
        return _unread(_broadcast(sa, sb), int64 if isinstance(fn(_plain(a[0]), _plain(b[0])), int) else float64)
    a = _plain_all(a)
    b = _plain_all(b)
    if not sa and not sb:
        return _as_scalar(fn(a[0], b[0]), None)
    shape = _broadcast(sa, sb)
    return ndarray([fn(x, y) for x, y in zip(_spread(a, sa, shape), _spread(b, sb, shape))], shape)


# Where a function has no value Python raises, and numpy warns and gives inf or nan.


def _map_anywhere(fn, value, pole=0):
    try:
        return _map(fn, value)
    except (ValueError, OverflowError):
        return _map(lambda x: _anywhere(fn, x, pole), value)


def _anywhere(fn, x, pole):
    try:
        return fn(x)
    except ValueError:
        return -inf if x == pole and fn is not math.sqrt else nan
    except OverflowError:
        return inf


def _divided(left, right):
    try:
        return _zip(lambda a, b: a / b, left, right)
    except ZeroDivisionError:
        return _zip(lambda a, b: a / b if b else (inf if a > 0 else -inf if a < 0 else nan), left, right)


def _raised(left, right):
    try:
        return _zip(lambda a, b: a**b, left, right)
    except (ZeroDivisionError, OverflowError):
        return _zip(_power, left, right)


def _power(a, b):
    try:
        return a**b
    except (ZeroDivisionError, OverflowError):
        return inf


# Creation


def array(object, dtype=None, copy=True):
    data, shape = _flatten(object)
    if dtype is None:
        dtype = object.dtype if isinstance(object, ndarray) else None
        return ndarray(data if dtype is not None else _alike(data), shape, dtype)
    return ndarray(data, shape).astype(dtype)


def asarray(a, dtype=None):
    return a if isinstance(a, ndarray) and dtype is None else array(a, dtype)


ascontiguousarray = asarray


def _shape_of(shape):
    return tuple(shape) if isinstance(shape, (tuple, list, ndarray)) else (shape,)


def full(shape, fill_value, dtype=None):
    sizes = _shape_of(shape)
    if dtype is None:
        dtype = _common([fill_value])
    return ndarray([_plain(_as_scalar(fill_value, dtype))] * _total(sizes), sizes, dtype)


def zeros(shape, dtype=float64):
    return full(shape, 0.0, dtype)


def ones(shape, dtype=float64):
    return full(shape, 1.0, dtype)


def empty(shape, dtype=float64):
    return full(shape, 0.0, dtype)


def zeros_like(a, dtype=None):
    return full(a.shape, 0, a.dtype if dtype is None else dtype)


def ones_like(a, dtype=None):
    return full(a.shape, 1, a.dtype if dtype is None else dtype)


def full_like(a, fill_value, dtype=None):
    return full(a.shape, fill_value, a.dtype if dtype is None else dtype)


def eye(N, M=None, k=0, dtype=float64):
    cols = N if M is None else M
    if N * cols > _MOST:
        return _unread((N, cols), dtype)
    return ndarray([1.0 if c - r == k else 0.0 for r in range(N) for c in range(cols)], (N, cols)).astype(dtype)


def arange(start, stop=None, step=1, dtype=None):
    if stop is None:
        start, stop = 0, start
    count = builtins.max(0, math.ceil((stop - start) / step))
    common = _common([start, stop, step])
    if count > _MOST:
        return _unread((count,), common if dtype is None else dtype)
    if common is float64:
        start = float(start)
    made = ndarray([start + i * step for i in range(count)], (count,))
    return made if dtype is None else made.astype(dtype)


def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None):
    start, stop = float(start), float(stop)
    parts = num - 1 if endpoint else num
    step = (stop - start) / parts if parts > 0 else nan
    data = [start + i * step if i else start for i in range(num)]
    if endpoint and num > 1:
        data[-1] = stop
    made = ndarray(data, (num,), float64)
    made = made if dtype is None else made.astype(dtype)
    return (made, step) if retstep else made


def logspace(start, stop, num=50, endpoint=True, base=10.0, dtype=None):
    made = _map(lambda x: base**x, linspace(start, stop, num, endpoint))
    return made if dtype is None else made.astype(dtype)


def meshgrid(*xi, indexing="xy"):
    if len(xi) != 2:
        return numpy.a_mesh_of_other_than_two_axes
    a, b = _flatten(xi[0])[0], _flatten(xi[1])[0]
    if indexing == "xy":
        shape = (len(b), len(a))
        return [ndarray([x for _ in b for x in a], shape), ndarray([y for y in b for _ in a], shape)]
    shape = (len(a), len(b))
    return [ndarray([x for x in a for _ in b], shape), ndarray([y for _ in a for y in b], shape)]


def _range_of(part):
    start = 0 if part.start is None else part.start
    if isinstance(part.step, complex):
        return linspace(start, part.stop, int(builtins.abs(part.step)))
    return arange(start, part.stop, 1 if part.step is None else part.step)


class _OpenGrid:
    def __getitem__(self, key):
        if not isinstance(key, tuple):
            return _range_of(key)
        ranges = [_range_of(part) for part in key]
        return tuple(
            each.reshape(tuple(-1 if other == place else 1 for other in range(len(ranges))))
            for place, each in enumerate(ranges)
        )


class _MeshGrid:
    def __getitem__(self, key):
        return stack(meshgrid(*map(_range_of, key), indexing="ij")) if isinstance(key, tuple) else _range_of(key)


class _Row:
    def __getitem__(self, key):
        parts = key if isinstance(key, tuple) else (key,)
        if builtins.any(isinstance(part, str) for part in parts):
            return numpy.r_with_an_axis
        return concatenate([_range_of(part) if isinstance(part, slice) else atleast_1d(part) for part in parts])


ogrid, mgrid, r_ = _OpenGrid(), _MeshGrid(), _Row()


def concatenate(arrays, axis=0):
    if axis != 0:
        return numpy.concatenation_along_another_axis
    parts = [_flatten(each) for each in arrays]
    data = []
    for part, _ in parts:
        data += part
    shape = (builtins.sum(shape[0] for _, shape in parts), *parts[0][1][1:])
    if len(data) > _MOST:
        kinds = [each.dtype if isinstance(each, ndarray) else _common(part) for each, (part, _) in zip(arrays, parts)]
        return _unread(shape, int64 if builtins.all(_is_integer(kind) for kind in kinds) else float64)
    return ndarray(data, shape)


def stack(arrays, axis=0):
    if axis != 0:
        return numpy.stacking_along_another_axis
    return array([each if isinstance(each, ndarray) else array(each) for each in arrays])


def append(arr, values, axis=None):
    if axis is None:
        arr, values = array(arr).flatten(), array(values).flatten()
    return concatenate((arr, values), axis or 0)


def transpose(a, axes=None):
    return array(a).transpose(*(axes or ()))


def expand_dims(a, axis):
    shape = list(a.shape)
    shape.insert(axis if axis >= 0 else axis + a.ndim + 1, 1)
    return ndarray(a._data, shape, a.dtype)


def reshape(a, shape):
    return asarray(a).reshape(shape)


def atleast_1d(*arys):
    made = [ndarray(a._data, a.shape or (1,), a.dtype) for a in [asarray(a) for a in arys]]
    return made[0] if len(made) == 1 else tuple(made)


def atleast_2d(*arys):
    made = [ndarray(a._data, (1,) * (2 - a.ndim) + tuple(a.shape), a.dtype) for a in [asarray(a) for a in arys]]
    return made[0] if len(made) == 1 else tuple(made)


# Elementwise


def sqrt(x):
    return _map_anywhere(math.sqrt, x)


def exp(x):
    return _map_anywhere(math.exp, x)


def exp2(x):
    return _map_anywhere(lambda value: 2.0**value, x)


def log(x):
    return _map_anywhere(math.log, x)


def log2(x):
    return _map_anywhere(math.log2, x)


def log10(x):
    return _map_anywhere(math.log10, x)


def log1p(x):
    return _map_anywhere(math.log1p, x, -1)


def sin(x):
    return _map(math.sin, x)


def cos(x):
    return _map(math.cos, x)


def tan(x):
    return _map(math.tan, x)


def tanh(x):
    return _map(math.tanh, x)


def arctan(x):
    return _map(math.atan, x)


def floor(x):
    return _map(lambda v: float(math.floor(v)), x)


def ceil(x):
    return _map(lambda v: float(math.ceil(v)), x)


def trunc(x):
    return _map(lambda v: float(math.trunc(v)), x)


def rint(x):
    return _map(lambda v: float(builtins.round(v)), x)


def round(a, decimals=0):
    return _map(lambda v: v if isinstance(v, int) else float(builtins.round(v, decimals)), a)


around = round


def abs(x):
    return _map(lambda v: builtins.abs(v), x)


absolute = abs


def square(x):
    return _map(lambda v: v * v, x)


def sign(x):
    return _map(lambda v: (v > 0) - (v < 0), x)


def isnan(x):
    return _map(math.isnan, x) if isinstance(x, ndarray) else math.isnan(x)


def isinf(x):
    return _map(math.isinf, x) if isinstance(x, ndarray) else math.isinf(x)


def deg2rad(x):
    return _map(math.radians, x)


radians = deg2rad


def add(a, b):
    return _zip(lambda x, y: x + y, a, b)


def subtract(a, b):
    return _zip(lambda x, y: x - y, a, b)


def multiply(a, b):
    return _zip(lambda x, y: x * y, a, b)


def divide(a, b):
    return _divided(a, b)


true_divide = divide


def floor_divide(a, b):
    return _zip(lambda x, y: x // y, a, b)


def mod(a, b):
    return _zip(lambda x, y: x % y, a, b)


def power(a, b):
    return _raised(a, b)


def maximum(a, b):
    return _zip(lambda x, y: builtins.max(x, y), a, b)


def minimum(a, b):
    return _zip(lambda x, y: builtins.min(x, y), a, b)


def clip(a, a_min=None, a_max=None):
    def one(x):
        if a_min is not None and x < a_min:
            x = a_min
        if a_max is not None and x > a_max:
            x = a_max
        return x

    return _map(one, a)


# Reductions


def _all_of(a):
    return _plain_all(_flatten(a)[0])


def _reduce(fn, a, axis, keepdims=False):
    data, shape = _flatten(a)
    if axis is None:
        axes = list(range(len(shape)))
    else:
        axes = [each % len(shape) for each in (axis if isinstance(axis, (tuple, list)) else (axis,))]
    kept = [each for each in range(len(shape)) if each not in axes]
    left = [1 if each in axes else size for each, size in enumerate(shape)] if keepdims else [shape[each] for each in kept]
    if len(data) > _MOST:
        return _unread(left, int64 if isinstance(fn(data[:1]), int) else float64) if left else numpy.a_sum_of_many
    data = _plain_all(data)
    steps = [_total(shape[each + 1 :]) for each in range(len(shape))]
    inner, outer = (
        _places([shape[each] for each in some], [steps[each] for each in some]) for some in (axes, kept)
    )
    found = [fn([data[place + offset] for offset in inner]) for place in outer]
    return ndarray(found, left) if left else _as_scalar(found[0], None)


def sum(a, axis=None, keepdims=False):
    return _reduce(builtins.sum, a, axis, keepdims)


def prod(a, axis=None, keepdims=False):
    return _reduce(math.prod, a, axis, keepdims)


product = prod


def mean(a, axis=None, keepdims=False):
    return _reduce(lambda lane: builtins.sum(lane) / len(lane), a, axis, keepdims)


average = mean


def max(a, axis=None, keepdims=False):
    return _reduce(builtins.max, a, axis, keepdims)


def min(a, axis=None, keepdims=False):
    return _reduce(builtins.min, a, axis, keepdims)


amax = max
amin = min


def argmax(a, axis=None):
    return _reduce(lambda lane: lane.index(builtins.max(lane)), a, axis)


def argmin(a, axis=None):
    return _reduce(lambda lane: lane.index(builtins.min(lane)), a, axis)


def all(a, axis=None):
    return builtins.all(_all_of(a)) if axis is None else _reduce(builtins.all, a, axis)


def any(a, axis=None):
    return builtins.any(_all_of(a)) if axis is None else _reduce(builtins.any, a, axis)


def cumsum(a, axis=None):
    if axis is not None and len(_flatten(a)[1]) > 1:
        return numpy.a_cumulative_sum_along_one_of_several_axes
    total = 0
    made = []
    for value in _all_of(a):
        total += value
        made.append(total)
    return ndarray(made, (len(made),))


def cumprod(a, axis=None):
    if axis is not None and len(_flatten(a)[1]) > 1:
        return numpy.a_cumulative_product_along_one_of_several_axes
    total = 1
    made = []
    for value in _all_of(a):
        total *= value
        made.append(total)
    return ndarray(made, (len(made),))


def diff(a):
    if len(_flatten(a)[1]) > 1:
        return numpy.differences_along_one_of_several_axes
    data = _all_of(a)
    return ndarray([b - c for b, c in zip(data[1:], data[:-1])], (len(data) - 1,))


def sort(a, axis=-1):
    if len(_flatten(a)[1]) > 1:
        return numpy.sorting_of_several_axes
    data = sorted(_all_of(a))
    return ndarray(data, (len(data),))


def argsort(a, axis=-1):
    if len(_flatten(a)[1]) > 1:
        return numpy.sorting_of_several_axes
    data = _all_of(a)
    order = sorted(range(len(data)), key=lambda i: data[i])
    return ndarray(order, (len(order),))


def unique(ar, return_index=False, return_inverse=False, return_counts=False):
    if return_index or return_inverse:
        return numpy.indices_of_unique_values
    data = _all_of(ar)
    values = sorted(set(data))
    made = ndarray(values, (len(values),))
    if return_counts:
        return made, ndarray([data.count(v) for v in values], (len(values),))
    return made


def where(condition, x=None, y=None):
    data, shape = _flatten(condition)
    if x is None:
        if len(shape) != 1:
            return numpy.positions_in_several_axes
        found = [i for i, keep in enumerate(data) if keep]
        return (ndarray(found, (len(found),)),)
    (a, sa), (b, sb) = _flatten(x), _flatten(y)
    target = _broadcast(_broadcast(shape, sa), sb)
    if _total(target) > _MOST:
        return _unread(target, _common([*a[:1], *b[:1]]))
    rows = zip(_spread(data, shape, target), _spread(a, sa, target), _spread(b, sb, target))
    return ndarray([left if keep else right for keep, left, right in rows], target)


def broadcast_to(array, shape):
    data, have = _flatten(array)
    if _total(_shape_of(shape)) > _MOST:
        return _unread(_broadcast(have, _shape_of(shape)), _common(data[:1]))
    return ndarray(_spread(data, have, _broadcast(have, _shape_of(shape))), _shape_of(shape))


def tile(A, reps):
    data, shape = _flatten(A)
    if len(shape) > 1 or not isinstance(reps, int):
        return numpy.tiling_of_several_axes
    return ndarray(data * reps, (len(data) * reps,))


def repeat(a, repeats, axis=None):
    if axis is not None or not isinstance(repeats, int):
        return numpy.repetition_along_an_axis
    data, _ = _flatten(a)
    return ndarray([x for x in data for _ in range(repeats)], (len(data) * repeats,))


def matmul(a, b):
    (left, sa), (right, sb) = _flatten(a), _flatten(b)
    if len(sa) > 2 or len(sb) > 2:
        return numpy.products_of_many_matrices
    rows, inner = (1, *sa)[-2:]
    depth, columns = sb if len(sb) == 2 else (sb[0], 1)
    if inner != depth:
        raise ValueError(f"matmul: Input operand 1 has a mismatch in its core dimension 0: {depth} is different from {inner}")
    shape = (*sa[:-1], *sb[1:])
    if rows * inner * columns > _MOST:
        return _unread(shape, float64)
    data = [
        builtins.sum(_plain(left[i * inner + k]) * _plain(right[k * columns + j]) for k in range(inner))
        for i in range(rows)
        for j in range(columns)
    ]
    return ndarray(data, shape) if shape else _as_scalar(data[0], None)


def dot(a, b):
    return matmul(a, b) if ndim(a) and ndim(b) else multiply(a, b)


def outer(a, b):
    left, right = _flatten(a)[0], _flatten(b)[0]
    if len(left) * len(right) > _MOST:
        return _unread((len(left), len(right)), _common([*left[:1], *right[:1]]))
    return ndarray([x * y for x in left for y in right], (len(left), len(right)))


def flip(m, axis=None):
    m = asarray(m)
    axes = (axis,) if isinstance(axis, int) else axis
    turned = list(range(m.ndim)) if axes is None else [each % m.ndim for each in axes]
    return m[tuple([slice(None, None, -1) if each in turned else slice(None) for each in range(m.ndim)])] if m.ndim else m


def flipud(m):
    return flip(m, 0)


def fliplr(m):
    return flip(m, 1)


def convolve(a, v, mode="full"):
    left, right = _plain_all(_flatten(a)[0]), _plain_all(_flatten(v)[0])
    if mode != "full" or len(left) * len(right) > _MOST:
        return numpy.a_convolution_that_is_not_worked_out
    data = [0] * (len(left) + len(right) - 1)
    for i, x in enumerate(left):
        for j, y in enumerate(right):
            data[i + j] += x * y
    return ndarray(data, (len(data),))


def array_equal(a, b):
    left, right = _flatten(a), _flatten(b)
    return left[1] == right[1] and _plain_all(left[0]) == _plain_all(right[0])


def allclose(a, b, rtol=1e-05, atol=1e-08):
    left, right = _flatten(a)[0], _flatten(b)[0]
    return builtins.all(builtins.abs(x - y) <= atol + rtol * builtins.abs(y) for x, y in zip(left, right))


def isscalar(element):
    return isinstance(element, (int, float, complex, str))


def ndim(a):
    return len(_flatten(a)[1])


def shape(a):
    return a.shape if hasattr(a, "shape") else _flatten(a)[1]


def issubdtype(arg1, arg2):
    if arg2 is floating:
        return not _is_integer(arg1)
    if arg2 is integer:
        return _is_integer(arg1)
    return arg1 is arg2


class finfo:
    def __init__(self, dtype):
        wide = dtype is float or dtype is float64
        kind = float64 if wide else float16 if dtype is float16 else float32
        self.bits = 64 if wide else 16 if dtype is float16 else 32
        self.eps = kind(2.0**-52 if wide else 2.0**-10 if dtype is float16 else 2.0**-23)
        self.max = kind(1.7976931348623157e308 if wide else 65504.0 if dtype is float16 else 3.4028234663852886e38)
        self.min = kind(-float(self.max))
        self.tiny = kind(
            2.2250738585072014e-308 if wide else 6.103515625e-05 if dtype is float16 else 1.1754943508222875e-38
        )


class iinfo:
    def __init__(self, dtype):
        known = {int8: 8, int16: 16, int32: 32, int64: 64, int: 64}
        unsigned = {uint8: 8, uint16: 16, uint32: 32, uint64: 64}
        if dtype in unsigned:
            self.bits = unsigned[dtype]
            self.min, self.max = 0, 2**self.bits - 1
        else:
            self.bits = known[dtype]
            self.min, self.max = -(2 ** (self.bits - 1)), 2 ** (self.bits - 1) - 1


def set_printoptions(**kwargs):
    return None


def errstate(**kwargs):
    import contextlib

    return contextlib.nullcontext()
