enabled = False
strategy = "auto"


def is_available():
    return False
