class Proxy:
    pass


class TraceError(ValueError):
    pass


class TracerBase:
    pass
