"""Sizes are known or not; nothing is guarded."""


def guard_or_false(a):
    return a


def guard_or_true(a):
    return a


def guard_size_oblivious(a):
    return a


def statically_known_true(a):
    return a


def is_symbolic(a):
    return False
