from torch.distributed.tensor import Partial, Placement, Replicate, Shard
