def is_contiguous_or_false(a, memory_format=None):
    return a.is_contiguous()
