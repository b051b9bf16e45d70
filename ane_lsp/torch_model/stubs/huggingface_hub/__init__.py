"""huggingface_hub: nothing of it computes shapes; only the dataclass decorators matter to configurations."""




class ModelHubMixin:
    """What a model gets for being shared; it computes nothing."""

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__()

    def save_pretrained(self, *args, **kwargs):
        return None

    def push_to_hub(self, *args, **kwargs):
        return None


class PyTorchModelHubMixin(ModelHubMixin):
    pass
