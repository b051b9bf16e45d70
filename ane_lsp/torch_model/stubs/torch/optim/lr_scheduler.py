class LRScheduler:
    def __init__(self, optimizer, *args, **kwargs):
        self.optimizer = optimizer

    def step(self, *args, **kwargs):
        return None

    def state_dict(self):
        return {}

    def load_state_dict(self, state_dict):
        return None


_LRScheduler = LRScheduler


class LambdaLR(LRScheduler):
    pass


class MultiplicativeLR(LRScheduler):
    pass


class StepLR(LRScheduler):
    pass


class MultiStepLR(LRScheduler):
    pass


class ConstantLR(LRScheduler):
    pass


class LinearLR(LRScheduler):
    pass


class ExponentialLR(LRScheduler):
    pass


class SequentialLR(LRScheduler):
    pass


class PolynomialLR(LRScheduler):
    pass


class CosineAnnealingLR(LRScheduler):
    pass


class CosineAnnealingWarmRestarts(LRScheduler):
    pass


class ChainedScheduler(LRScheduler):
    pass


class ReduceLROnPlateau(LRScheduler):
    pass


class CyclicLR(LRScheduler):
    pass


class OneCycleLR(LRScheduler):
    pass
