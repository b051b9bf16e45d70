"""logging, as interpreted source: nothing is written anywhere."""

CRITICAL = FATAL = 50
ERROR = 40
WARNING = WARN = 30
INFO = 20
DEBUG = 10
NOTSET = 0
_NAMES = {50: "CRITICAL", 40: "ERROR", 30: "WARNING", 20: "INFO", 10: "DEBUG", 0: "NOTSET"}
_loggers = {}
lastResort = None
raiseExceptions = True


class Filterer:
    def __init__(self):
        self.filters = []

    def addFilter(self, filter):
        self.filters.append(filter)

    def removeFilter(self, filter):
        if filter in self.filters:
            self.filters.remove(filter)


class Filter:
    def __init__(self, name=""):
        self.name = name

    def filter(self, record):
        return True


class Formatter:
    def __init__(self, fmt=None, datefmt=None, style="%", validate=True, *, defaults=None):
        self._fmt = fmt
        self.datefmt = datefmt

    def format(self, record):
        return ""


class LogRecord:
    pass


class Handler(Filterer):
    def __init__(self, level=NOTSET):
        Filterer.__init__(self)
        self.level = level
        self.formatter = None

    def setFormatter(self, fmt):
        self.formatter = fmt

    def setLevel(self, level):
        self.level = level

    def emit(self, record):
        return None

    def handle(self, record):
        return None

    def flush(self):
        return None

    def close(self):
        return None

    def acquire(self):
        return None

    def release(self):
        return None


    def get_name(self):
        return getattr(self, "name", None)

    def set_name(self, name):
        self.name = name


class StreamHandler(Handler):
    def __init__(self, stream=None):
        Handler.__init__(self)
        self.stream = stream


class FileHandler(StreamHandler):
    def __init__(self, filename, mode="a", encoding=None, delay=False, errors=None):
        StreamHandler.__init__(self)
        self.baseFilename = filename


class NullHandler(Handler):
    pass


class Logger(Filterer):
    def __init__(self, name, level=NOTSET):
        Filterer.__init__(self)
        self.name = name
        self.level = level
        self.handlers = []
        self.propagate = True
        self.disabled = False
        self.parent = None

    def setLevel(self, level):
        self.level = level

    def isEnabledFor(self, level):
        return level >= WARNING

    def getEffectiveLevel(self):
        return self.level or WARNING

    def getChild(self, suffix):
        return getLogger(f"{self.name}.{suffix}")

    def addHandler(self, hdlr):
        self.handlers.append(hdlr)

    def removeHandler(self, hdlr):
        if hdlr in self.handlers:
            self.handlers.remove(hdlr)

    def hasHandlers(self):
        return bool(self.handlers)

    def debug(self, *args, **kwargs):
        return None

    info = warning = warn = error = exception = critical = fatal = log = handle = debug


class LoggerAdapter:
    def __init__(self, logger, extra=None, merge_extra=False):
        self.logger = logger
        self.extra = extra

    def debug(self, *args, **kwargs):
        return None

    info = warning = warn = error = exception = critical = log = debug

    def isEnabledFor(self, level):
        return self.logger.isEnabledFor(level)

    def setLevel(self, level):
        self.logger.setLevel(level)


root = Logger("root", WARNING)


class Manager:
    def __init__(self):
        self.loggerDict = _loggers
        self.disable = 0


Logger.manager = Manager()
Logger.root = root


def getLogger(name=None):
    if not name:
        return root
    if name not in _loggers:
        made = _class(name)
        made.parent = root
        _loggers[name] = made
    return _loggers[name]


_class = Logger


def getLoggerClass():
    return _class


def setLoggerClass(klass):
    global _class
    _class = klass


def getLevelName(level):
    if level in _NAMES:
        return _NAMES[level]
    for number, name in _NAMES.items():
        if name == level:
            return number
    return f"Level {level}"


def addLevelName(level, levelName):
    _NAMES[level] = levelName


def basicConfig(**kwargs):
    return None


def captureWarnings(capture):
    return None


def disable(level=CRITICAL):
    return None


def shutdown():
    return None


def debug(*args, **kwargs):
    return None


info = warning = warn = error = exception = critical = fatal = log = debug
