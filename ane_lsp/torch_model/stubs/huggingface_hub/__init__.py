"""huggingface_hub: nothing of it computes shapes; only the dataclass decorators matter to configurations."""

from torch import _C

__version__ = "2.4.0"


class ModelHubMixin:
    """What a model gets for being shared; it computes nothing."""

    _hub_mixin_config = _C._unknown("what a model was built from is not kept")

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path, **kwargs):
        raise NotImplementedError  # see ane_lsp.interp.pretrained

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__()

    def save_pretrained(self, *args, **kwargs):
        return None

    def push_to_hub(self, *args, **kwargs):
        return None


class PyTorchModelHubMixin(ModelHubMixin):
    pass
