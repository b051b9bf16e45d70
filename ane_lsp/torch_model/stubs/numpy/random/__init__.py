"""Random numbers are not known; seeding does nothing."""


def seed(seed=None):
    return None
