"""logging.handlers, as interpreted source."""

from logging import FileHandler, Handler


class RotatingFileHandler(FileHandler):
    pass


class TimedRotatingFileHandler(FileHandler):
    pass


class QueueHandler(Handler):
    pass


class MemoryHandler(Handler):
    pass
