"""huggingface_hub: nothing of it computes shapes; only the dataclass decorators matter to configurations."""

import huggingface_hub


class ModelHubMixin:
    """What a model gets for being shared; it computes nothing."""

    _hub_mixin_config = huggingface_hub.what_a_model_was_built_from

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
