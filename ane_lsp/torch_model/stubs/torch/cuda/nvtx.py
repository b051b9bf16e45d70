from torch._utils_stub import ContextDecorator


def range_push(msg):
    return None


def range_pop():
    return None


def mark(msg):
    return None


class range(ContextDecorator):
    def __new__(cls, *args, **kwargs):
        return object.__new__(cls)
