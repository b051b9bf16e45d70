class RemovableHandle:
    """Takes a registered hook out again. A hook given here is put in first. Its number is its own among the hooks of a module."""

    def __init__(self, hooks_dict, hook=None, *, extra_dict=None):
        self.hooks_dict = hooks_dict
        self.id = max(hooks_dict, default=-1) + 1
        if hook is not None:
            hooks_dict[self.id] = hook

    def remove(self):
        self.hooks_dict.pop(self.id, None)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.remove()
