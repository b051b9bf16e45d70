"""pytorch_lightning as far as it decides what a model's forward does: the module class and its hyper-parameters.

Training is not modelled: a trainer accepts everything and calls nothing.
"""

import inspect

import torch
from torch import nn


class AttributeDict(dict):
    """A dict whose keys are attributes, too."""

    def __getattr__(self, key):
        try:
            return self[key]
        except KeyError:
            raise AttributeError(f"Missing attribute '{key}'")

    def __setattr__(self, key, value):
        self[key] = value


class HyperparametersMixin:
    """``self.save_hyperparameters()`` and ``self.hparams``."""

    def __new__(cls, *args, **kwargs):
        made = super().__new__(cls)
        object.__setattr__(made, "_given_arguments", (args, kwargs))
        return made

    def save_hyperparameters(self, *args, ignore=None, frame=None, logger=True):
        given = self._constructor_arguments()
        skipped = {ignore} if isinstance(ignore, str) else set(ignore or ())
        chosen = [name for name in args if isinstance(name, str)]
        for value in args:
            if isinstance(value, str):
                continue
            pairs = value if isinstance(value, dict) else vars(value)
            for name in pairs:
                if name not in skipped:
                    self._saved_parameters()[name] = pairs[name]
        if chosen or not args:
            for name in chosen or given:
                if name not in skipped and name in given:
                    self._saved_parameters()[name] = given[name]

    def _saved_parameters(self):
        if "_hparams" not in self.__dict__:
            object.__setattr__(self, "_hparams", AttributeDict())
        return self.__dict__["_hparams"]

    def _constructor_arguments(self):
        args, kwargs = self._given_arguments
        signature = inspect.signature(type(self).__init__)
        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        given = {}
        for position, (name, value) in enumerate(bound.arguments.items()):
            kind = signature.parameters[name].kind
            if position == 0 or kind is inspect.Parameter.VAR_POSITIONAL:
                continue
            if kind is inspect.Parameter.VAR_KEYWORD:
                given.update(value)
            else:
                given[name] = value
        return given

    @property
    def hparams(self):
        return self._saved_parameters()

    @hparams.setter
    def hparams(self, value):  # of versions before 1.3
        object.__setattr__(self, "_hparams", value)

    @property
    def hparams_initial(self):
        return AttributeDict(self._saved_parameters())


class LightningModule(HyperparametersMixin, nn.Module):
    """A torch module that also knows how it is trained; what it is trained with is not modelled."""

    automatic_optimization = True
    current_epoch = 0
    global_step = 0
    global_rank = 0
    local_rank = 0
    logger = None
    trainer = None
    on_gpu = False

    @property
    def device(self):
        return torch.device("cpu")

    @property
    def dtype(self):
        return torch.get_default_dtype()

    @classmethod
    def load_from_checkpoint(cls, checkpoint_path, map_location=None, hparams_file=None, strict=None, **kwargs):
        """The class with the given arguments; arguments that only the checkpoint holds are unknown."""
        return cls(**kwargs)

    def log(self, *args, **kwargs):
        return None

    def log_dict(self, *args, **kwargs):
        return None

    def print(self, *args, **kwargs):
        return None

    def freeze(self):
        self.requires_grad_(False)
        self.eval()

    def unfreeze(self):
        self.requires_grad_(True)
        self.train()


class LightningDataModule(HyperparametersMixin):
    pass


class Callback:
    pass


class Trainer:
    def __init__(self, *args, **kwargs):
        pass

    def fit(self, *args, **kwargs):
        return None

    def validate(self, *args, **kwargs):
        return []

    def test(self, *args, **kwargs):
        return []

    def predict(self, *args, **kwargs):
        return []


def seed_everything(seed=None, workers=False, verbose=True):
    return seed
