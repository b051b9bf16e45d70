"""pytorch_lightning as far as it decides what a model's forward does: the module class and its hyper-parameters.

Training is not modelled: a trainer accepts everything and calls nothing.
"""

import inspect

import torch
from torch import _C, nn

__version__ = "2.5.5"


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
        """The class with the given arguments. Those it needs besides are unknown, others as by default: what the checkpoint holds
        is not read."""
        named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
        rest = [p for p in parameters if p.kind in named and p.name not in kwargs]
        for name in [p.name for p in rest if p.default is inspect.Parameter.empty]:
            kwargs[name] = _C._unknown(f"`{name}` of {cls.__name__} is in the checkpoint, which is not read")
            _C._assume(f"{name} is unknown: the checkpoint holds it")
        if any(p.default is not inspect.Parameter.empty for p in rest):
            _C._assume(f"{cls.__name__} is built with the defaults of its constructor: the checkpoint may hold other arguments")
        return cls(**kwargs)

    def to_torchscript(self, file_path=None, method="script", example_inputs=None, **kwargs):
        if method == "trace":
            if example_inputs is None:
                example_inputs = getattr(self, "example_input_array", None)
            return torch.jit.trace(self.eval(), example_inputs, **kwargs)
        return torch.jit.script(self.eval(), **kwargs)

    def to_onnx(self, file_path=None, input_sample=None, **kwargs):
        if input_sample is None:
            input_sample = getattr(self, "example_input_array", None)
        return torch.onnx.export(self.eval(), input_sample, file_path, **kwargs)

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
