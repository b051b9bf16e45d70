from torch.distributed.fsdp import FSDPModule
