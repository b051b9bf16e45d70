"""How the old `size_average` and `reduce` arguments of losses read today."""


def get_enum(reduction):
    known = {"none": 0, "mean": 1, "elementwise_mean": 1, "sum": 2}
    if reduction not in known:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return known[reduction]


def legacy_get_string(size_average, reduce, emit_warning=True):
    if reduce is not None and not reduce:
        return "none"
    return "sum" if size_average is not None and not size_average else "mean"


def legacy_get_enum(size_average, reduce, emit_warning=True):
    return get_enum(legacy_get_string(size_average, reduce, emit_warning))
