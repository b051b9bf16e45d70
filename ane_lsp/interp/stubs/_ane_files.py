"""Text files that were read, as interpreted source."""


class TextIOWrapper:
    def __init__(self, text, name):
        self.name = name
        self.mode = "r"
        self.encoding = "utf-8"
        self.closed = False
        self._text = text
        self._at = 0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.closed = True

    def __iter__(self):
        return iter(self.readlines())

    def __next__(self):
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def read(self, size=-1):
        end = len(self._text) if size is None or size < 0 else self._at + size
        found = self._text[self._at : end]
        self._at += len(found)
        return found

    def readline(self):
        end = self._text.find("\n", self._at)
        return self.read() if end < 0 else self.read(end + 1 - self._at)

    def readlines(self):
        return self.read().splitlines(keepends=True)

    def seek(self, position, whence=0):
        self._at = position
        return position

    def tell(self):
        return self._at

    def close(self):
        self.closed = True

    def readable(self):
        return True

    def writable(self):
        return False
