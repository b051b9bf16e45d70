"""Functions that a call makes and nobody takes along go with it, without waiting for Python to look for circles."""

import gc
from pathlib import Path

from programs import finished

from ane_lsp.interp.frames import Frame

PROGRAM = """
class Held:
    pass

def gone(value):
    def inner(depth):
        return inner(depth - 1) if depth else value
    return inner(2)

def taken(value):
    def inner(depth):
        return inner(depth - 1) if depth else value
    return inner

def passed_on(value, keep):
    def inner():
        return value
    def other():
        return inner
    keep.append(other)
    return other()

def by_name(value):
    def one():
        return lambda: two() + value
    def two():
        return 1
    return one()

def generated(value):
    def inner():
        return value
    return (inner() + n for n in range(2))

def decorated(function):
    def wrapped(*args):
        return function(*args)
    wrapped.plain = function
    return wrapped

@decorated
def plain(value):
    return value

keep = []
results = [gone(1), taken(2)(3), passed_on(3, keep)(), keep[0]()(), by_name(4)(), list(generated(5)), plain(6), plain.plain(7)]
for n in range(3):
    gone(Held())
"""


def test_what_it_makes_works_where_it_is_taken_along(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    _, space = finished(path)
    assert space["results"] == [1, 2, 3, 3, 5, [5, 6], 6, 7]


LIBRARY = """
def through(a):
    def middle():
        def inner():
            return a
        return inner
    return middle()

def apart(a):
    def inner(x):
        return x + 1
    return inner

def both(a):
    def middle(b):
        c = b
        return lambda x: x + a
    return middle(2)

def named_again(a):
    def inner(a):
        return a
    return inner

def counted():
    n = 0
    def more():
        nonlocal n
        n += 1
        return n
    return more

class Base:
    def name(self):
        return "base"

class Derived(Base):
    def name(self):
        return (lambda: super(Derived, self).name())() + [super().name() for _ in range(1)][0]

    def later(self):
        def inner():
            return super().name()
        return inner

def first(items):
    return next(n for n in items)

def numbers(upto):
    held = (lambda x: x * 2)
    for n in range(upto):
        yield held(n)
"""
USES = """
from library import *
more = counted()
results = [through(1)(), apart(9)(2), both(3)(4), named_again(7)(5), more() + more(), Derived().name(), Derived().later()(), first(numbers(3))]
"""


def test_a_function_of_a_library_finds_the_names_around_it(tmp_path: Path) -> None:
    (tmp_path / "library.py").write_text(LIBRARY)
    path = tmp_path / "program.py"
    path.write_text(USES)
    _, space = finished(path)
    assert space["results"] == [1, 3, 7, 5, 3, "basebase", "base", 0]


def frames_left(path: Path) -> set[str]:
    """The functions whose frames are there at the end of a program, though Python has not looked for circles."""
    gc.collect()
    gc.disable()
    try:
        world = finished(path)
        left = {frame.function for frame in gc.get_objects() if type(frame) is Frame}
    finally:
        gc.enable()
    assert world
    return left


def test_a_generator_that_is_left_is_gone(tmp_path: Path) -> None:
    (tmp_path / "library.py").write_text(LIBRARY)
    path = tmp_path / "program.py"
    path.write_text(USES)
    left = frames_left(path)
    assert left.isdisjoint({"first", "numbers", "apart"})
    assert "through" in left or "counted" in left


def test_what_nobody_takes_along_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    left = frames_left(path)
    assert "gone" not in left
    assert "decorated" in left  # `plain` is in use
