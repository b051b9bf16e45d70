from torch.nn.modules.module import Module


class GraphModule(Module):
    pass
