from torch import _C

Beta = _C._unknown("torch.distributions.Beta is not modelled")
