"""Source of small random modules with conditions that nobody can decide, and what torch does with them for every answer.

The module ``foreign`` answers: ``flag(i)`` is a bool, ``number(i)`` a small int. It is not there when the source is analysed. Every
statement of forward is on a line of its own and gives ``x``, so that a line names one shape at most.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from itertools import product
from types import ModuleType
from typing import Any

HEADER = """\
from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn

import foreign


class Twice(nn.Module):
    def forward(self, x):
        return torch.cat([x, x], 1)


def fill(modules, skip, module):
    if skip:
        return
    modules.append(module)


def refuse(whether):
    if whether:
        raise ValueError


"""

_MODULES = [
    "nn.ReLU()", "nn.Dropout(0.1)", "nn.Identity()", "nn.MaxPool2d(2)", "nn.ZeroPad2d(1)", "nn.Upsample(scale_factor=2)",
    "Twice()", "nn.AdaptiveAvgPool2d(4)", "nn.AdaptiveAvgPool2d(6)", "nn.BatchNorm2d(4)", "nn.Conv2d(4, 4, 3, padding=1)",
]  # fmt: skip
_FLAGS = 2


class _Writer:
    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.init: list[str] = []
        self.run: list[str] = []
        self.made: set[str] = set()

    def module(self) -> str:
        return self.rng.choice(_MODULES)

    def test(self) -> str:
        flag = f"foreign.flag({self.rng.randrange(_FLAGS)})"
        return self.rng.choice([flag, flag, f"not {flag}", f"({flag} or foreign.flag(0))"])

    def change(self) -> str:
        """A statement that changes the list of modules."""
        module, rng = self.module, self.rng
        return rng.choice(
            [
                f"modules.append({module()})", f"modules.append({module()})", f"modules += [{module()}, {module()}]",
                f"modules.extend([{module()}])", f"modules.insert({rng.choice([0, 1, -1])}, {module()})",
                f"modules.pop({rng.choice(['', '0', '-1'])})", f"del modules[{rng.choice(['0', '-1', ':1', '1:'])}]",
                f"modules[{rng.choice([0, -1])}] = {module()}", "modules.reverse()", "modules.clear()",
                f"modules = modules + [{module()}]", f"modules = [{module()}, *modules]", "modules = modules[1:]",
                f"modules[:1] = [{module()}, {module()}]", "modules *= 2", f"fill(modules, {self.test()}, {module()})",
                f"modules = [{module()}]", "modules = list(modules) + modules[:1]",
            ]
        )  # fmt: skip

    def entry(self) -> str:
        """A statement that changes the table."""
        key, rng = self.rng.choice(["'a'", "'b'", "'c'"]), self.rng
        return rng.choice(
            [
                f"table[{key}] = {self.module()}", f"table[{key}] = {self.module()}", f"table.pop({key}, None)",
                f"table.update(b={self.module()})", f"table.setdefault({key}, {self.module()})",
                f"table = {{**table, {key}: {self.module()}}}", f"table = dict(table, c={self.module()})",
                "numbers.add(1)", "numbers.discard(2)", "numbers.add(3)", f"self.opt = {self.module()}",
                f"self.held.append({self.module()})", f"self.held = [{self.module()}]", f"setattr(self, 'opt', {self.module()})",
                f"self.add_module('named', {self.module()})", f"self.default = {self.module()}",
            ]
        )  # fmt: skip

    def late(self) -> str:
        """A statement that changes a container of torch."""
        rng, module = self.rng, self.module
        return rng.choice(
            [
                f"self.many.append({module()})", f"self.many.insert(0, {module()})", f"self.many.extend([{module()}])",
                f"self.seq.append({module()})", f"self.seq.add_module('z', {module()})", "del self.many[0]", "del self.seq[-1]",
                f"self.many[0] = {module()}", f"self.many += [{module()}]", f"self.dict['b'] = {module()}",
                "self.dict.pop('a')", "del self.default", f"self.seq.insert(0, {module()})", "self.many.pop(-1)",
                f"self.named = {module()}", "self.many = nn.ModuleList(list(self.many)[1:])",
            ]
        )  # fmt: skip

    def under(self, change: Any) -> list[str]:
        """One or two changes under a condition that nobody decides."""
        rng = self.rng
        kind = rng.randrange(17)
        if kind < 5:
            lines = [f"if {self.test()}:", f"    {change()}"]
            if rng.random() < 0.3:
                lines.append(f"    {change()}")
            if rng.random() < 0.4:
                lines += ["else:", f"    {change()}"]
            return lines
        if kind == 5:
            return [
                "try:",
                f"    if {self.test()}:",
                "        raise ValueError",
                f"    {change()}",
                "except ValueError:",
                f"    {change()}",
            ]
        if kind == 6:
            return [f"for _ in range(foreign.number({rng.randrange(_FLAGS)})):", f"    {change()}"]
        if kind == 7:
            return [
                "for i in range(2):",
                f"    if {self.test()}:",
                f"        {rng.choice(['continue', 'break'])}",
                f"    {change()}",
            ]
        if kind == 8:
            return [
                f"match foreign.number({rng.randrange(_FLAGS)}):",
                "    case 0:",
                f"        {change()}",
                "    case 1:",
                f"        {change()}",
            ]
        if kind == 9:
            return [f"{self.test()} {rng.choice(['and', 'or'])} modules.append({self.module()})"]
        if kind == 10:
            return [f"modules = [one for one in modules if {self.test()}]"]
        if kind == 11:
            return [f"modules = modules + [{self.module()}] if {self.test()} else modules"]
        if kind == 12:
            return [f"if {self.test()}:", f"    if {self.test()}:", f"        {change()}", f"    {change()}"]
        if kind == 13:
            return [
                "count = 0",
                f"while count < foreign.number({rng.randrange(_FLAGS)}):",
                "    count += 1",
                f"    {change()}",
            ]
        if kind == 14:
            lines = ["try:", f"    {change()}", f"    refuse({self.test()})", f"    {change()}"]
            return [
                *lines,
                rng.choice(["except ValueError:", "except Exception:"]),
                f"    {rng.choice(['pass', change()])}",
            ]
        if kind == 15:
            tests = [f"{'    ' * depth}if {self.test()}:" for depth in range(rng.randint(10, 12))]
            return [*tests, f"{'    ' * len(tests)}{change()}"]
        return ["for i in range(3):", f"    if i == foreign.number({rng.randrange(_FLAGS)}):", f"        {change()}"]

    def step(self) -> list[str]:
        """Statements of forward that give ``x``."""
        rng, test = self.rng, self.test
        return rng.choice(
            [
                ["x = self.seq(x)"],
                ["for one in self.many:", "    x = one(x)"],
                ["for i, one in enumerate(self.many):", "    x = one(x)", "    x = F.pad(x, (0, i))"],
                ["for one in reversed(self.many):", "    x = one(x)"],
                [f"for one in self.many[{rng.choice(['1:', ':-1', ':1', '-1:'])}]:", "    x = one(x)"],
                ["for one, i in zip(self.many, range(3)):", "    x = F.pad(one(x), (i, 0))"],
                ["for i in range(len(self.many)):", "    x = self.many[i](x)"],
                [f"x = self.many[{rng.choice([0, 1, -1, -2])}](x)"], [f"x = self.seq[{rng.choice([0, 1, -1, ':1', '1:'])}](x)"],
                ["x = F.pad(x, (0, len(self.many)))"], ["x = F.pad(x, (0, len(self.held)))"], ["x = F.pad(x, (0, len(self.dict)))"],
                ["if self.many:", "    x = F.pad(x, (1, 1))"], ["if len(self.held) > 1:", "    x = F.pad(x, (1, 1))"],
                ["for key, one in self.dict.items():", "    x = one(x)"], ["for one in self.dict.values():", "    x = one(x)"],
                ["if 'b' in self.dict:", "    x = self.dict['b'](x)"], ["if 'c' in self.table:", "    x = F.pad(x, (1, 2))"],
                ["if 1 in self.numbers:", "    x = F.pad(x, (1, 1))"], ["if 2 not in self.numbers:", "    x = F.pad(x, (2, 2))"],
                ["x = self.table.get('a', self.relu)(x)"], ["x = F.pad(x, (0, len(self.numbers)))"],
                ["if hasattr(self, 'opt'):", "    x = self.opt(x)"], ["x = getattr(self, 'opt', self.relu)(x)"],
                ["if hasattr(self, 'named'):", "    x = F.pad(x, (1, 0))"],
                ["if self.default is not None:", "    x = self.default(x)"],
                ["for one in self.held:", "    x = one(x)"], ["x = nn.Sequential(*self.held, *self.many)(x)"],
                ["outs = [x]", f"if {test()}:", "    outs.append(x)", "x = torch.cat(outs, 1)"],
                ["outs = [x, x]", f"if {test()}:", "    outs.pop()", "x = sum(outs)"],
                ["outs = [one(x) for one in self.many]", "if outs:", "    x = outs[-1]"],
                [f"outs = [one for one in self.many if {test()}]", "for one in outs:", "    x = one(x)"],
                ["for one in self.many:", "    x = one(x)", f"    if {test()}:", "        break"],
                ["for one in self.many:", f"    if {test()}:", "        continue", "    x = one(x)"],
                ["x = (lambda *given: F.pad(x, (0, len(given))))(*self.held)"],
                ["outs = {'x': x}", f"if {test()}:", "    outs['y'] = x", "x = torch.cat(tuple(outs.values()), 1)"],
                [f"x = self.relu(x) if {test()} else F.pad(x, (1, 1))"], [f"x = x if {test()} else x.mul(2)"],
                [f"if {test()}:", "    return self.end(x)"],
                ["x = x.flatten(2).unsqueeze(-1) if len(self.held) == 1 else x"],
                ["it = iter(self.many)", "x = next(it, self.relu)(x)", "x = next(it, self.relu)(x)"],
                ["try:", f"    if {test()}:", "        raise KeyError", "    x = F.pad(x, (1, 1))", "except KeyError:", "    x = self.relu(x)"],
                ["first, *rest = [self.relu, *self.held]", "for one in rest:", "    x = one(x)"],
                ["for one in sorted(self.table):", "    x = self.table[one](x)"],
                ["for one in self.children():", "    x = F.pad(x, (0, 1))"],
            ]
        )  # fmt: skip

    def number(self) -> list[str]:
        """Statements that change numbers, lists, tables and texts of plain values, in undecided ways."""
        rng = self.rng
        small = lambda: str(rng.randint(0, 3))  # noqa: E731
        simple = [
            lambda: f"n = {small()}", lambda: f"n += {small()}", lambda: f"nums.append({small()})", lambda: f"nums.insert(0, {small()})",
            lambda: "nums.pop()", lambda: "nums.sort()", lambda: "nums.reverse()", lambda: "nums.remove(nums[0])",
            lambda: f"nums[0] = {small()}", lambda: "nums = nums[1:]", lambda: f"nums += [{small()}, n]", lambda: "nums = nums * 2",
            lambda: f"pairs['a'] = {small()}", lambda: f"pairs['b'] = {small()}", lambda: "pairs.pop('a', None)",
            lambda: "pairs['a'] += 1", lambda: f"pairs.setdefault('c', {small()})", lambda: "pairs = {**pairs, 'b': n}",
            lambda: f"pairs.update(a={small()}, c=1)", lambda: "few.add(n)", lambda: f"few.discard({small()})", lambda: "few |= {3}",
            lambda: "text += 'ab'", lambda: "text = text[1:]", lambda: "n, m = m, n", lambda: "m = n + 1", lambda: "bump()",
            lambda: "nums[-1] += 1", lambda: "del pairs['a']", lambda: "m = len(nums)", lambda: "self.count += 1",
            lambda: "self.counts.append(n)", lambda: "self.counts[0] += 1", lambda: "nums.extend(given(n))", lambda: "m = early(n)",
            lambda: "nums.clear()", lambda: "pairs.clear()", lambda: "nums = sorted(nums)", lambda: "n = max(nums)",
            lambda: "pair = (n, m)", lambda: "pair = (*pair, n)", lambda: "self.extra = n", lambda: "queue.append(n)", lambda: "queue.popleft()",
            lambda: "nums = [one for one in nums if one]", lambda: "pairs = {k: v + 1 for k, v in pairs.items()}",
            lambda: "n = min(n, 2)", lambda: "nums = list(dict.fromkeys(nums))", lambda: "few = set(nums)",
        ]  # fmt: skip
        change = lambda: rng.choice(simple)()  # noqa: E731
        return [line for line in self.under(change) if "modules" not in line] or [change()]

    def shown(self) -> str:
        """A number that tells of the values, as a width."""
        return self.rng.choice(
            [
                "n", "m", "len(nums)", "nums[0]", "nums[-1]", "sum(nums)", "max(nums)", "min([4, *nums])", "nums.count(1)", "nums.index(2)",
                "pairs['a']", "pairs.get('b', 5)", "len(pairs)", "sum(pairs.values())", "int('c' in pairs)", "len(few)", "int(2 in few)",
                "len(text)", "self.count", "len(self.counts)", "self.counts[0]", "sum(self.counts)", "int(nums == [1, 2])", "pair[-1]",
                "len(pair)", "getattr(self, 'extra', 4)", "int(hasattr(self, 'extra'))", "int(bool(nums))", "len(queue)", "queue[0]",
                "len(list(zip(nums, pair)))", "sum(i for i, one in enumerate(nums))", "len([one for one in nums if one > 1])",
                "len(nums[:2])", "nums[:2][-1]", "len({**pairs, 'a': 1})", "sorted(nums)[0]", "int(1 in nums)", "len(set(nums))",
                "next(iter(nums), 6)", "sum(map(int, nums))", "len(list(filter(None, nums)))", "int(any(nums))", "int(all(nums))",
                "list(pairs.values())[0]", "len(''.join(map(str, nums)))", "len(list(reversed(nums)))", "int(nums > [1])", "int(few == {2})",
                "(lambda *a, **k: len(a) + len(k))(*nums, **pairs)", "(lambda a=3, b=4, c=5: a + b + c)(**pairs)", "int(min(pairs) == 'a')",
                "len(list(given(m)))", "early(m)", "[0, *nums][1]", "int(nums and nums[0])", "int(n or m)", "n if n else m",
            ]
        )  # fmt: skip

    def plain_source(self) -> str:
        """A model that computes with plain values in undecided ways, and shows them as widths."""
        rng = self.rng
        lines = [
            "n, m = 1, 2", "nums = [1, 2]", "pairs = {'a': 1}", "few = {2}", "text = 'xyz'", "pair = (1, 2)", "queue = deque([1, 2])", "i = 0",
            "def bump():", "    nonlocal n", f"    if {self.test()}:", "        return", "    n += 1",
            "def given(k):", "    yield k", f"    if {self.test()}:", f"        {rng.choice(['yield 1', 'return', 'yield from (2, 2)'])}",
            f"    for _ in range({rng.choice(['2', 'foreign.number(0)'])}):", "        yield 3",
            "def early(k):", "    for one in (1, 2, 3):", f"        if {self.test()}:", f"            {rng.choice(['return one', 'break', 'continue'])}",
            "        k += one", "    return k",
        ]  # fmt: skip
        for _ in range(rng.randint(1, 4)):
            lines += self.number()
        lines += [
            line
            for _ in range(rng.randint(2, 4))
            for line in (f"y = F.pad(x, (0, {self.shown()}))", "y = self.mark(y)")
        ]
        forward = "".join(f"        {line}\n" for line in lines)
        return (
            f"from collections import deque\n{HEADER}class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.mark = nn.Tanh()\n        self.end = nn.Sigmoid()\n        self.count = 0\n        self.counts = [1]\n\n"
            f"    def forward(self, x):\n{forward}        return self.end(x)\n\n\nNet().eval()(torch.zeros(1, 4, 8, 8))\n"
        )

    def source(self) -> str:
        rng = self.rng
        lines = ["modules = [" + ", ".join(self.module() for _ in range(rng.randint(1, 3))) + "]",
                 f"table = {{'a': {self.module()}}}", "numbers = {2}", f"self.held = [{self.module()}]"]  # fmt: skip
        for _ in range(rng.randint(1, 3)):
            lines += self.under(rng.choice([self.change, self.change, self.entry]))
            if rng.random() < 0.3:
                lines.append(self.change())
        lines += ["self.seq = nn.Sequential(*modules)", "self.many = nn.ModuleList(modules)", "self.dict = nn.ModuleDict(table)",
                  "self.table = table", "self.numbers = numbers"]  # fmt: skip
        if rng.random() < 0.5:
            lines += self.under(self.late)
        run: list[str] = []
        for _ in range(rng.randint(1, 3)):
            run += [*self.step(), "x = self.mark(x)"]
        body = "".join(f"        {line}\n" for line in lines)
        forward = "".join(f"        {line}\n" for line in run)
        return (
            f"{HEADER}class Net(nn.Module):\n    default = None\n\n    def __init__(self):\n        super().__init__()\n{body}"
            "        self.relu = nn.ReLU()\n        self.mark = nn.Tanh()\n        self.end = nn.Sigmoid()\n\n"
            f"    def forward(self, x):\n{forward}        return self.end(x)\n\n\nNet().eval()(torch.zeros(1, 4, 8, 8))\n"
        )


def undecided_source(seed: int) -> str:
    """A script that calls a model. The same seed gives the same text."""
    return _Writer(seed).source()


def plain_source(seed: int) -> str:
    """A script that calls a model which computes with plain values. The same seed gives the same text."""
    return _Writer(seed).plain_source()


def answers() -> Iterator[tuple[list[bool], list[int]]]:
    """Everything ``foreign`` may answer: flags and numbers."""
    for flags in product([False, True], repeat=_FLAGS):
        for numbers in product([0, 1, 2], repeat=_FLAGS):
            yield list(flags), list(numbers)


def seen_shapes(source: str) -> tuple[dict[int, set[tuple[int, ...]]], int, int]:
    """By line, the shapes that ``mark`` and ``end`` give there for any answers, for how many of how many answers the script runs to its end."""
    import torch

    code = compile(source, "<undecided>", "exec")
    seen: dict[int, set[tuple[int, ...]]] = {}
    ended = 0
    texts = [name for name in ("foreign.flag", "foreign.number") if name in source]

    def note(module: Any, args: Any, result: Any) -> None:
        frame: Any = sys._getframe()
        while frame is not None and frame.f_code.co_filename != "<undecided>":
            frame = frame.f_back
        if frame is not None and result is not None:
            seen.setdefault(frame.f_lineno, set()).add(tuple(result.shape))

    tried: set[Any] = set()
    for flags, numbers in answers():
        key = (
            tuple(flags) if texts[:1] == ["foreign.flag"] else (),
            tuple(numbers) if "foreign.number" in texts else (),
        )
        if key in tried:
            continue
        tried.add(key)
        foreign = ModuleType("foreign")
        foreign.flag = flags.__getitem__  # type: ignore[attr-defined]
        foreign.number = numbers.__getitem__  # type: ignore[attr-defined]
        before = sys.modules.get("foreign")
        sys.modules["foreign"] = foreign
        hook = torch.nn.modules.module.register_module_forward_hook(
            lambda module, args, result: (
                note(module, args, result) if isinstance(module, (torch.nn.Tanh, torch.nn.Sigmoid)) else None
            )
        )
        try:
            with torch.no_grad():
                exec(code, {"__name__": "__main__"})
            ended += 1
        except Exception:
            pass  # a program that raises shows nothing further
        finally:
            hook.remove()
            del sys.modules["foreign"]
            if before is not None:
                sys.modules["foreign"] = before
    return seen, ended, len(tried)
