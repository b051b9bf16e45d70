"""Distributed tensors: there are none."""

from torch.distributed.device_mesh import DeviceMesh


class DTensor:
    pass


class Placement:
    pass


class Shard(Placement):
    def __init__(self, dim=0):
        self.dim = dim


class Replicate(Placement):
    pass


class Partial(Placement):
    pass
