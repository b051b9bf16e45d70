class RemovableHandle:
    """Takes a registered hook out again. A hook given here is put in first."""

    id = 0

    def __init__(self, hooks_dict, hook=None, *, extra_dict=None):
        self.hooks_dict = hooks_dict
        if hook is not None:
            hooks_dict[self] = hook

    def remove(self):
        self.hooks_dict.pop(self, None)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.remove()
