"""PIL.Image: the class that tensors are told from. What pictures hold is not read."""


class Image:
    pass
