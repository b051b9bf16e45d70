"""Optimising for mobile devices changes no shape."""


def optimize_for_mobile(script_module, optimization_blocklist=None, preserved_methods=None, backend="CPU", methods_to_optimize=None):
    return script_module
