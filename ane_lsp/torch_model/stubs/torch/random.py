"""Random numbers: seeds change values only."""

import contextlib

import torch


def manual_seed(seed):
    return torch.default_generator


def seed():
    return 0


def initial_seed():
    return 0


def get_rng_state():
    return torch.empty(5056, dtype=torch.uint8)


def set_rng_state(new_state):
    return None


def fork_rng(devices=None, enabled=True, **kwargs):
    return contextlib.nullcontext()
