"""Symbolic functions are never run."""


def parse_args(*arg_descriptors):
    return lambda fn: fn


def quantized_args(*arg_q_descriptors, scale=None, zero_point=None):
    return lambda fn: fn
