"""beartype: functions that check what they are given. Nothing is checked here, so they are what they were."""

__version__ = "0.22.0"


class BeartypeConf:
    def __init__(self, **options):
        for name, value in options.items():
            setattr(self, name, value)


def beartype(obj=None, *, conf=None):
    if obj is None:
        return beartype
    return obj
