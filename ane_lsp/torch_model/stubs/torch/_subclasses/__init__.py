"""Tensors without data."""

from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
