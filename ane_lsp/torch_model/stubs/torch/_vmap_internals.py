from torch.func import vmap as _vmap
