"""Checkpoints are never read."""

from torch._utils_stub import ContextDecorator


class safe_globals(ContextDecorator):
    pass


class skip_data(ContextDecorator):
    pass


def add_safe_globals(safe_globals):
    return None


def get_safe_globals():
    return []


def clear_safe_globals():
    return None


def register_package(priority, tagger, deserializer):
    return None
