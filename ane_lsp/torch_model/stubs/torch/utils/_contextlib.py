from torch._utils_stub import ContextDecorator


class _DecoratorContextManager(ContextDecorator):
    pass


class _NoParamDecoratorContextManager(ContextDecorator):
    pass
