"""contextvars, as interpreted source: there is one context."""

_NOTHING = object()


class Token:
    MISSING = _NOTHING

    def __init__(self, var, old_value):
        self.var = var
        self.old_value = old_value


class ContextVar:
    def __init__(self, name, *, default=_NOTHING):
        self.name = name
        self._default = default
        self._value = _NOTHING

    def get(self, *default):
        if self._value is not _NOTHING:
            return self._value
        if default:
            return default[0]
        if self._default is not _NOTHING:
            return self._default
        raise LookupError(self.name)

    def set(self, value):
        token = Token(self, self._value)
        self._value = value
        return token

    def reset(self, token):
        self._value = token.old_value


class Context:
    def run(self, callable, *args, **kwargs):
        return callable(*args, **kwargs)


def copy_context():
    return Context()
