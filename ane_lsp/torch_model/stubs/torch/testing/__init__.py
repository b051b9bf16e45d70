"""Comparisons of values, which are not known."""


def assert_close(actual, expected, **kwargs):
    return None


def assert_allclose(actual, expected, **kwargs):
    return None
