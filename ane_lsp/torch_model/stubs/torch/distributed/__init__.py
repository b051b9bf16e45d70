"""torch.distributed: one process."""


def is_available():
    return False


def is_initialized():
    return False


def is_torchelastic_launched():
    return False


def is_nccl_available():
    return False


def is_gloo_available():
    return False


def is_mpi_available():
    return False


def init_process_group(*args, **kwargs):
    return None


def destroy_process_group(group=None):
    return None


def get_world_size(group=None):
    return 1


def get_rank(group=None):
    return 0


def get_node_local_rank(fallback_rank=None):
    return 0


def get_backend(group=None):
    return "gloo"


def barrier(group=None, async_op=False, device_ids=None):
    return None


def all_reduce(tensor, op=None, group=None, async_op=False):
    return None


def reduce(tensor, dst=None, op=None, group=None, async_op=False):
    return None


def broadcast(tensor, src=None, group=None, async_op=False):
    return None


def broadcast_object_list(object_list, src=None, group=None, device=None):
    return None


def new_group(*args, **kwargs):
    return None


class ProcessGroup:
    pass


class Backend:
    pass


class P2POp:
    pass


class ReduceOp:
    SUM = "SUM"
    AVG = "AVG"
    PRODUCT = "PRODUCT"
    MIN = "MIN"
    MAX = "MAX"


class group:
    WORLD = None


class GroupMember:
    WORLD = None


from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
