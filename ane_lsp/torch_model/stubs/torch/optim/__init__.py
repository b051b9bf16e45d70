"""Optimizers can be built; their steps change values only."""

from torch.optim.optimizer import Optimizer


class SGD(Optimizer):
    pass


class ASGD(Optimizer):
    pass


class Adam(Optimizer):
    pass


class AdamW(Optimizer):
    pass


class Adamax(Optimizer):
    pass


class NAdam(Optimizer):
    pass


class RAdam(Optimizer):
    pass


class Adagrad(Optimizer):
    pass


class Adadelta(Optimizer):
    pass


class Adafactor(Optimizer):
    pass


class RMSprop(Optimizer):
    pass


class Rprop(Optimizer):
    pass


class LBFGS(Optimizer):
    pass


class Muon(Optimizer):
    pass


class SparseAdam(Optimizer):
    pass
