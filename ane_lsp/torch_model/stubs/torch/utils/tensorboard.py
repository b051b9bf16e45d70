class SummaryWriter:
    def __init__(self, *args, **kwargs):
        pass

    def add_scalar(self, *args, **kwargs):
        return None

    def add_graph(self, *args, **kwargs):
        return None

    def close(self):
        return None
