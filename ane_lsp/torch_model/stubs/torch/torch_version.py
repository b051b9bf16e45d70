"""The version this model of torch follows."""


def _parts(version):
    numbers = []
    for part in str(version).split("+")[0].split("."):
        digits = ""
        for char in part:
            if not char.isdigit():
                break
            digits += char
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)


def _key(other):
    return tuple(other) if isinstance(other, tuple) else _parts(other)


class TorchVersion(str):
    def __lt__(self, other):
        return _parts(self) < _key(other)

    def __le__(self, other):
        return _parts(self) <= _key(other)

    def __gt__(self, other):
        return _parts(self) > _key(other)

    def __ge__(self, other):
        return _parts(self) >= _key(other)


__version__ = TorchVersion("2.13.0")
