from torch._utils_stub import ContextDecorator


class TransformGetItemToIndex(ContextDecorator):
    pass
