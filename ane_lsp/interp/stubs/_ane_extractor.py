"""What torchvision's create_feature_extractor makes of a model, said with hooks: its run up to the last module that is asked for."""

from torch import nn


class _AllFound(Exception):
    pass


class FeatureExtractor(nn.Module):
    def __init__(self, model, nodes):
        super().__init__()
        for kind in ("_parameters", "_buffers", "_modules"):
            getattr(self, kind).update(getattr(model, kind))
        self.training = model.training
        object.__setattr__(self, "_followed", [model])
        object.__setattr__(self, "_nodes", nodes)

    def forward(self, *args, **kwargs):
        model, found, handles = self._followed[0], {}, []

        def keeps(name):
            def keep(module, args, output):
                if name not in found:
                    found[name] = output
                    if len(found) == len(self._nodes):
                        raise _AllFound

            return keep

        for path, name in self._nodes.items():
            handles.append(model.get_submodule(path).register_forward_hook(keeps(name)))
        try:
            model.forward(*args, **kwargs)
        except _AllFound:
            pass
        finally:
            for handle in handles:
                handle.remove()
        return {name: found[name] for name in found}


def create_feature_extractor(model, nodes):
    """None where an operation is asked for that is no module: only torch.fx knows its name."""
    nodes = dict(nodes) if isinstance(nodes, dict) else {name: name for name in nodes}
    paths = {path for path, _ in model.named_modules()}
    if not nodes or not all(isinstance(path, str) and path in paths for path in nodes):
        return None
    return FeatureExtractor(model, nodes)
