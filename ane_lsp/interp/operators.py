"""Operators: truth, equality, order, membership, arithmetic."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any

from ane_lsp.graph import Sym, Unknown, dims
from ane_lsp.interp import absent, methods, state, symbolic
from ane_lsp.interp.base import MAX_ELEMENTS, PLAIN
from ane_lsp.interp.calls import Calls
from ane_lsp.interp.containers import add_uncounted, grow
from ane_lsp.interp.frames import UNDECIDED, UnknownIteration
from ane_lsp.interp.symbolic import SymRatio, kind_of_result
from ane_lsp.interp.values import (
    MISSING,
    MORE,
    BoundMethod,
    ClassObject,
    Device,
    DType,
    Instance,
    IteratorObject,
    NativeType,
    OneOf,
    Opaque,
    PyRaise,
    Tensor,
    TorchFunction,
    UnionOf,
)

_MAX_COMPARED = 200_000  # items of nested sequences, for one comparison

BINARY: dict[str, tuple[str, str, Callable[[Any, Any], Any]]] = {
    "+": ("__add__", "__radd__", operator.add), "-": ("__sub__", "__rsub__", operator.sub),
    "*": ("__mul__", "__rmul__", operator.mul), "/": ("__truediv__", "__rtruediv__", operator.truediv),
    "//": ("__floordiv__", "__rfloordiv__", operator.floordiv), "%": ("__mod__", "__rmod__", operator.mod),
    "**": ("__pow__", "__rpow__", operator.pow), "@": ("__matmul__", "__rmatmul__", operator.matmul),
    "<<": ("__lshift__", "__rlshift__", operator.lshift), ">>": ("__rshift__", "__rrshift__", operator.rshift),
    "&": ("__and__", "__rand__", operator.and_), "|": ("__or__", "__ror__", operator.or_),
    "^": ("__xor__", "__rxor__", operator.xor),
}  # fmt: skip
_COMPARE: dict[str, tuple[str, str, Callable[[Any, Any], Any]]] = {
    "<": ("__lt__", "__gt__", operator.lt), "<=": ("__le__", "__ge__", operator.le),
    ">": ("__gt__", "__lt__", operator.gt), ">=": ("__ge__", "__le__", operator.ge),
}  # fmt: skip
_UNARY: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "-": ("__neg__", operator.neg), "+": ("__pos__", operator.pos), "~": ("__invert__", operator.invert),
}  # fmt: skip


_COMPARED = frozenset({int, float, str, bool, bytes, type(None)})
"""What is compared as Python does it."""


def _only_themselves(values: Any) -> bool:
    """Whether objects equal nothing but themselves: modules in a set of modules that were seen. What a module inherits from a class nobody
    knows is no comparison, either."""
    if set(map(type, values)) != {Instance}:
        return False
    classes = {value.cls for value in values}
    return not any(value.data is not None for value in values) and not any(
        cls.lookup("__eq__") is not MISSING
        or (not cls.flags.get("nn") and any(isinstance(base, Unknown) for base in cls.mro))
        for cls in classes
    )


UNLIKE_TENSORS = frozenset({type(None), str, bytes, list, tuple, dict, set, frozenset, DType, Device})
"""What ``==`` holds no tensor to be, instead of refusing it."""


class Operators(Calls):
    # -- truth, equality, order ------------------------------------------------------------------------------------------

    def truth(self, value: Any) -> Any:
        """``bool(value)``: True, False, or Unknown."""
        if value is None or value is False:
            return False
        if value is True:
            return True
        kind = value.__class__
        if kind in (int, float, str, tuple, list, dict, set, bytes, range, frozenset, complex):
            if self.gaps and value and all(map(absent.optional, absent.parts(value))) and absent.gappy(value):
                return self.unknown(absent.NUMBER)
            return bool(value)
        if kind is Unknown:
            return value
        if kind is Tensor:
            return self.tensor_truth(value)
        if kind is OneOf:
            verdicts = [self.truth(v) for v in value.options]
            if all(v is True for v in verdicts):
                return True
            if all(v is False for v in verdicts):
                return False
            return self.unknown("depends on which of several values it is")
        if kind is Sym:
            verdict = dims.equal(value, 0)
            if dims.lower_bound(value) > 0:
                return True
            return self.unknown(f"whether {value} is zero") if verdict is None else not verdict
        if kind is Instance:
            for name in ("__bool__", "__len__"):
                raw = value.cls.lookup(name)
                if raw is not MISSING:
                    return self.truth(self.call(self.bind(raw, value, value.cls), ()))
            if value.data is not None and not isinstance(value.data, BaseException):
                return self.truth(value.data)
            return True
        if isinstance(value, (SymRatio, IteratorObject)):
            return True if isinstance(value, IteratorObject) else self.truth(value.numerator)
        try:
            return bool(value)
        except Exception:
            return True

    def equal(self, left: Any, right: Any) -> Any:
        """``left == right``: True, False, Unknown, or a tensor for elementwise comparison."""
        if left is right and not isinstance(left, (Unknown, Tensor, float, OneOf)):
            return True
        lk, rk = left.__class__, right.__class__
        if lk is Unknown or rk is Unknown:
            return Unknown("a comparison with something unknown", self.here(), left if lk is Unknown else right)
        if lk is Tensor or rk is Tensor:
            if (rk if lk is Tensor else lk) in UNLIKE_TENSORS:
                return False
            return self.torch_method("torch.Tensor.eq", (left, right) if lk is Tensor else (right, left))
        if lk is OneOf or rk is OneOf:
            return self._spread(lambda a, b: self.equal(a, b), left, right)
        if lk in (Sym, SymRatio) or rk in (Sym, SymRatio):
            if not all(isinstance(v, (int, float, Sym, SymRatio)) for v in (left, right)):
                return False
            verdict = symbolic.compare("==", left, right)
            return self.unknown(f"whether {left} equals {right}") if verdict is None else verdict
        if lk is Instance or rk is Instance:
            for first, second in ((left, right), (right, left)):
                if isinstance(first, Instance):
                    raw = first.cls.lookup("__eq__")
                    if raw is not MISSING:
                        verdict = self.call(self.bind(raw, first, first.cls), (second,))
                        if verdict is not NotImplemented:
                            return verdict
            ldata = left.data if lk is Instance else left
            rdata = right.data if rk is Instance else right
            if ldata is not None and rdata is not None and not isinstance(ldata, Instance):
                return self.equal(ldata, rdata)
            return False
        if self.gaps and (absent.gappy(left) or absent.gappy(right)):
            return self.unknown(absent.NUMBER)
        if (lk is rk and lk in (list, tuple)) or (isinstance(left, tuple) and isinstance(right, tuple)):
            if len(left) != len(right):
                return False
            return self._all_equal(zip(left, right))
        if lk is dict and rk is dict:
            if left.keys() != right.keys():
                return False
            return self._all_equal((left[k], right[k]) for k in left)
        try:
            return bool(left == right)
        except Exception:
            return self.unknown("a comparison that is not modelled")

    def _all_equal(self, pairs: Iterable[tuple[Any, Any]]) -> Any:
        """Whether all pairs are equal. Lists that hold one list many times over are not compared to the end."""
        outermost = self.compared == 0
        verdict: Any = True
        try:
            for left, right in pairs:
                self.compared += 1
                if self.compared > _MAX_COMPARED:
                    return self.unknown("too many items to compare")
                same = self.truth(self.equal(left, right))
                if same is False:
                    return False
                if same is not True and verdict is True:
                    verdict = same
        finally:
            if outermost:
                self.compared = 0
        return verdict

    def identical(self, left: Any, right: Any) -> Any:
        """``left is right``: three-valued."""
        if right is None and left.__class__ is not OneOf and left.__class__ is not Unknown:  # most often
            return left is None
        if isinstance(left, OneOf) or isinstance(right, OneOf):
            return self._spread(self.identical, left, right)
        if isinstance(left, Unknown) or isinstance(right, Unknown):
            if left is right:
                return True
            return Unknown("identity of something unknown", self.here(), left if isinstance(left, Unknown) else right)
        if left is right:
            return True
        if isinstance(left, BoundMethod) and isinstance(right, BoundMethod):
            return left == right
        if type(left) is type(right) and isinstance(left, (int, str, DType, Device, TorchFunction)):
            return left == right
        return False

    def compare(self, symbol: str, left: Any, right: Any) -> Any:
        """``left < right`` and the like."""
        forward, backward, plain = _COMPARE[symbol]
        lk, rk = left.__class__, right.__class__
        if lk is Unknown or rk is Unknown:
            return Unknown("a comparison with something unknown", self.here(), left if lk is Unknown else right)
        if lk is Tensor or rk is Tensor:
            if lk is Tensor:
                return self.torch_method(f"torch.Tensor.{forward.strip('_')}", (left, right))
            return self.torch_method(f"torch.Tensor.{backward.strip('_')}", (right, left))
        if lk is OneOf or rk is OneOf:
            return self._spread(lambda a, b: self.compare(symbol, a, b), left, right)
        if isinstance(left, (Sym, SymRatio)) or isinstance(right, (Sym, SymRatio)):
            return self._compare_sizes(symbol, left, right)
        for first, second, name in ((left, right, forward), (right, left, backward)):
            if isinstance(first, Instance):
                raw = first.cls.lookup(name)
                if raw is not MISSING:
                    verdict = self.call(self.bind(raw, first, first.cls), (second,))
                    if verdict is not NotImplemented:
                        return verdict
        ldata = left.data if lk is Instance and left.data is not None else left
        rdata = right.data if rk is Instance and right.data is not None else right
        if lk in (tuple, list) and rk is lk:
            return self._compare_sequences(symbol, left, right)
        try:
            return plain(ldata, rdata)
        except TypeError as error:
            if lk is Instance or rk is Instance:
                return self.unknown("an order that is not modelled")
            return self.raise_(TypeError, str(error))
        except Exception:
            return self.unknown("an order that is not modelled")

    def _compare_sequences(self, symbol: str, left: Any, right: Any) -> Any:
        if self.gaps and (absent.gappy(left) or absent.gappy(right)):
            return self.unknown(absent.NUMBER)
        for a, b in zip(left, right):
            self.tick()
            same = self.truth(self.equal(a, b))
            if same is True:
                continue
            return same if same is not False else self.compare(symbol, a, b)
        return _COMPARE[symbol][2](len(left), len(right))

    def _compare_sizes(self, symbol: str, left: Any, right: Any) -> Any:
        if isinstance(left, bool):
            left = int(left)
        answer = symbolic.compare(symbol, left, right)
        return self.unknown(f"whether {left} {symbol} {right}") if answer is None else answer

    def _spread(self, operation: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
        lefts = left.options if isinstance(left, OneOf) else (left,)
        rights = right.options if isinstance(right, OneOf) else (right,)
        results: list[Any] = []
        error: PyRaise | None = None
        for a in lefts:
            for b in rights:
                try:
                    results.append(operation(a, b))
                except PyRaise as raised:
                    error = raised.apart()
        if not results and error is not None:
            raise error
        return state.join(results, UNDECIDED, self.here())

    def contains(self, container: Any, item: Any) -> Any:
        """``item in container``: three-valued."""
        kind = container.__class__
        if kind is Unknown:
            return Unknown("membership in something unknown", self.here(), container)
        if kind is OneOf:
            return self._spread(lambda c, i: self.contains(c, i), container, item)
        if isinstance(item, OneOf):
            return self._spread(lambda c, i: self.contains(c, i), container, item)
        if kind is Instance:
            raw = container.cls.lookup("__contains__")
            if raw is not MISSING:
                return self.truth(self.call(self.bind(raw, container, container.cls), (item,)))
            native = self._native_member(container, "__contains__")
            if native is not MISSING and container.data is None:
                return self.truth(self.call(native, (item,)))
            if container.data is not None:
                return self.contains(container.data, item)
        if isinstance(container, (dict, set, frozenset)):
            if isinstance(item, Unknown):
                return Unknown("membership of something unknown", self.here(), item)
            if not isinstance(item, (Sym, Instance)):
                try:
                    found = item in container
                except TypeError:
                    return self.raise_(TypeError, f"unhashable type: '{self.type_name(item)}'")
                if not found and isinstance(container, dict) and self.force_pending_imports(container, item, False):
                    found = item in container
                if not found and isinstance(container, dict) and MORE in container:
                    return Unknown("membership among entries under keys nobody knows", self.here())
                if found and self.gaps and isinstance(container, dict) and absent.optional(container[item]):
                    return self.unknown(absent.THERE)
                if found or not {Sym, OneOf} & set(map(type, container)):
                    return found
        if isinstance(container, str):
            if isinstance(item, Instance) and isinstance(item.data, str):
                item = item.data
            if isinstance(item, str):
                return item in container
            if item is None or isinstance(item, PLAIN):
                self.raise_(TypeError, f"'in <string>' requires string as left operand, not {self.type_name(item)}")
            return Unknown("membership of something unknown", self.here(), item if isinstance(item, Unknown) else None)
        if isinstance(container, range) and isinstance(item, (int, float)):
            return int(item) in container if item == item // 1 else False
        if isinstance(container, (ClassObject, NativeType)):
            checker = self.lookup_attribute(container, "__contains__")
            if checker is not MISSING:
                return self.truth(self.call(checker, (item,)))
        if item.__class__ is Instance and kind in (set, frozenset, dict, list, tuple):
            if item in container:  # Python's comparison of two instances is their identity
                return True
            if not container or (_only_themselves((item,)) and _only_themselves(container)):
                return False
        if kind in (list, tuple) and item.__class__ in _COMPARED and _COMPARED.issuperset(map(type, container)):
            return item in container
        undecided: Any = False
        try:
            for element in self.items_of(container):
                self.tick()
                gap, element = absent.optional(element), absent.present(element)
                verdict = self.identical(element, item)
                if verdict is not True:
                    verdict = self.truth(self.equal(element, item))
                if gap and verdict is True:
                    verdict = self.unknown(absent.THERE)
                if verdict is True:
                    return True
                if verdict is not False:
                    undecided = verdict
        except UnknownIteration as lost:
            return Unknown("membership in something unknown", self.here(), lost.unknown)
        return undecided

    # -- operators ---------------------------------------------------------------------------------------------------------

    def binary(self, symbol: str, left: Any, right: Any) -> Any:
        """``left + right`` and the like."""
        lk, rk = left.__class__, right.__class__
        if (lk is int or lk is float) and (rk is int or rk is float):
            return self._numbers(symbol, left, right)
        if lk is Tensor or rk is Tensor:
            return self._tensor_binary(symbol, left, right)
        if lk is Unknown or rk is Unknown:
            lost = left if lk is Unknown else right
            number = kind_of_result(symbol, left, right)
            return Unknown("computed from something unknown", self.here(), lost, number=number)
        if lk is OneOf or rk is OneOf:
            return self._spread(lambda a, b: self.binary(symbol, a, b), left, right)
        forward, backward, plain = BINARY[symbol]
        if symbol == "%" and isinstance(left, (str, bytes)):
            return methods.percent_format(self, left, right)  # type: ignore[arg-type]
        if lk is Instance or rk is Instance:
            return self._instance_binary(symbol, left, right, forward, backward)
        if symbol == "|" and (isinstance(left, (type, ClassObject, NativeType, Opaque)) or left is None):
            return UnionOf.of(left, right)
        if symbol == "|" and isinstance(right, (type, ClassObject, NativeType, Opaque)):
            return UnionOf.of(left, right)
        if lk is Sym or rk is Sym or lk is SymRatio or rk is SymRatio:
            return self._sizes(symbol, left, right)
        if symbol == "*" and (
            isinstance(left, (list, tuple, str, bytes)) or isinstance(right, (list, tuple, str, bytes))
        ):
            sequence, times = (left, right) if isinstance(left, (list, tuple, str, bytes)) else (right, left)
            if isinstance(times, int) and len(sequence) * times > MAX_ELEMENTS:
                return self.unknown("a sequence too large to build here")
        if (
            symbol == "+"
            and isinstance(left, (list, tuple, str, bytes))
            and isinstance(right, (list, tuple, str, bytes))
        ):
            if len(left) + len(right) > MAX_ELEMENTS:
                return self.unknown("a sequence too large to build here")
        if isinstance(left, (int, float, complex)) and isinstance(right, (int, float, complex)):
            return self._numbers(symbol, left, right)
        if self.gaps and symbol in "&|-^" and (absent.gappy(left) or absent.gappy(right)):
            if symbol != "|" or not (isinstance(left, dict) and isinstance(right, dict)):
                return self.unknown(absent.NUMBER)
            made = self.make(left.copy())
            self.call(self.getattr(made, "update"), (right,))
            return made
        try:
            result = plain(left, right)
            return self.make(result) if lk is list or lk is dict or lk is set else result
        except TypeError as error:
            return self.raise_(TypeError, str(error))
        except Exception:
            return self.unknown(f"{symbol} on these operands")

    def _numbers(self, symbol: str, left: Any, right: Any) -> Any:
        if (
            symbol == "**"
            and isinstance(left, int)
            and isinstance(right, int)
            and abs(right) * left.bit_length() > 20_000
        ):
            return self.unknown("a number too large to compute here")
        if (
            symbol == "<<"
            and isinstance(left, int)
            and isinstance(right, int)
            and (right > 20_000 or left.bit_length() > 200_000)
        ):
            return self.unknown("a number too large to compute here")
        if symbol == "*" and isinstance(left, int) and isinstance(right, int):
            if left.bit_length() + right.bit_length() > 200_000:
                return self.unknown("a number too large to compute here")
        try:
            return BINARY[symbol][2](left, right)
        except ZeroDivisionError as error:
            raise PyRaise(ZeroDivisionError(str(error)), self.here()) from None
        except TypeError as error:
            return self.raise_(TypeError, str(error))
        except (OverflowError, ValueError) as error:
            raise PyRaise(type(error)(str(error)), self.here()) from None

    def _sizes(self, symbol: str, left: Any, right: Any) -> Any:
        if isinstance(left, bool):
            left = int(left)
        if isinstance(right, bool):
            right = int(right)
        try:
            if isinstance(left, (list, tuple, str)) or isinstance(right, (list, tuple, str)):
                return self.unknown("a sequence repeated a symbolic number of times")
            answer = symbolic.arithmetic(symbol, left, right)
            if answer is not None:
                return answer
        except ZeroDivisionError as error:
            raise PyRaise(ZeroDivisionError(str(error)), self.here()) from None
        except (TypeError, NotImplementedError):
            pass
        reason = f"{symbol} of a symbolic size and {self.type_name(right if isinstance(left, Sym) else left)}"
        return Unknown(reason, self.here(), number=kind_of_result(symbol, left, right))

    def _instance_binary(self, symbol: str, left: Any, right: Any, forward: str, backward: str) -> Any:
        for first, second, name in ((left, right, forward), (right, left, backward)):
            if isinstance(first, Instance):
                raw = first.cls.lookup(name)
                if raw is not MISSING:
                    result = self.call(self.bind(raw, first, first.cls), (second,))
                    if result is not NotImplemented:
                        return result
                else:
                    native = self._native_member(first, name) if first.data is None else MISSING
                    if native is not MISSING:
                        return self.call(native, (second,))
        ldata = left.data if isinstance(left, Instance) and left.data is not None else left
        rdata = right.data if isinstance(right, Instance) and right.data is not None else right
        if ldata is not left or rdata is not right:
            if not isinstance(ldata, Instance) and not isinstance(rdata, Instance):
                return self.binary(symbol, ldata, rdata)
        for side in (left, right):
            if isinstance(side, Instance):
                for base in side.cls.mro:
                    if isinstance(base, Unknown):
                        return self.unknown(f"{symbol} of a {side.cls.name}: a base class is unknown", base)
        return self.raise_(
            TypeError,
            f"unsupported operand type(s) for {symbol}: '{self.type_name(left)}' and '{self.type_name(right)}'",
        )

    def _tensor_binary(self, symbol: str, left: Any, right: Any) -> Any:
        forward, backward, _ = BINARY[symbol]
        if isinstance(left, OneOf) or isinstance(right, OneOf):
            return self._spread(lambda a, b: self.binary(symbol, a, b), left, right)
        if isinstance(left, Instance) or isinstance(right, Instance):
            other = left if isinstance(left, Instance) else right
            raw = other.cls.lookup(backward if other is right else forward)
            if raw is not MISSING:
                return self.call(self.bind(raw, other, other.cls), (right if other is left else left,))
        if isinstance(left, Tensor):
            name = _TENSOR_FORWARD.get(symbol, forward)
            return self.torch_method(f"torch.Tensor.{name}", (left, right))
        name = _TENSOR_BACKWARD.get(symbol, backward)
        return self.torch_method(f"torch.Tensor.{name}", (right, left))

    def binary_inplace(self, symbol: str, left: Any, right: Any) -> Any:
        """``left += right``: in place for lists, sets, dicts and tensors."""
        if isinstance(left, Tensor) and symbol != "@":  # of which torch has no form in place: x @= y binds the product
            name = _TENSOR_INPLACE.get(symbol, "__i" + BINARY[symbol][0][2:])
            return self.torch_method(f"torch.Tensor.{name}", (left, right))
        if isinstance(left, list) and symbol == "+":
            try:
                lost = grow(self, left, right)  # type: ignore[arg-type]
            except UnknownIteration as iteration:
                add_uncounted(self, left, iteration.unknown)  # type: ignore[arg-type]
                lost = None
            return left if lost is None else lost
        if isinstance(left, list) and symbol == "*" and isinstance(right, int) and len(left) * right <= MAX_ELEMENTS:
            self.touch(left)
            left *= right
            return left
        if isinstance(left, set) and isinstance(right, (set, frozenset)):
            if self.gaps and symbol != "|" and (absent.gappy(left) or absent.gappy(right)):
                return self.unknown(absent.NUMBER)
            self.touch(left)
            changed = BINARY[symbol][2](left, right)
            left.clear()
            left.update(changed)
            return left
        if isinstance(left, dict) and symbol == "|" and isinstance(right, dict):
            self.touch(left)
            self.call(self.getattr(left, "update"), (right,))
            return left
        if isinstance(left, Instance):
            raw = left.cls.lookup("__i" + BINARY[symbol][0][2:])
            if raw is not MISSING:
                return self.call(self.bind(raw, left, left.cls), (right,))
        return self.binary(symbol, left, right)

    def unary(self, symbol: str, value: Any) -> Any:
        name, plain = _UNARY[symbol]
        kind = value.__class__
        if kind is Unknown:
            return Unknown("computed from something unknown", self.here(), value, number=value.number)
        if kind is Tensor:
            method = {"-": "neg", "+": "positive", "~": "__invert__"}[symbol]
            return self.torch_method(f"torch.Tensor.{method}", (value,))
        if kind is OneOf:
            return state.join([self.unary(symbol, v) for v in value.options], UNDECIDED, self.here())
        if kind is Instance:
            raw = value.cls.lookup(name)
            if raw is not MISSING:
                return self.call(self.bind(raw, value, value.cls), ())
            if value.data is not None:
                return self.unary(symbol, value.data)
        try:
            return plain(value)
        except TypeError as error:
            return self.raise_(TypeError, str(error))


# What torch records for an operator on tensors: names its Tensor class defines for them.
_TENSOR_FORWARD = {"+": "add", "-": "sub", "*": "mul", "/": "div", "@": "matmul", "//": "__floordiv__", "%": "__mod__",
                   "**": "__pow__"}  # fmt: skip
_TENSOR_BACKWARD = {"+": "add", "*": "mul", "-": "__rsub__", "/": "__rtruediv__", "@": "__rmatmul__"}
_TENSOR_INPLACE = {"+": "add_", "-": "sub_", "*": "mul_", "/": "div_", "//": "floor_divide_", "%": "remainder_"}
