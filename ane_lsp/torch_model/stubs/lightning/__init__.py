"""lightning: the package that pytorch_lightning moved to."""

from pytorch_lightning import Callback, LightningDataModule, LightningModule, Trainer, seed_everything, __version__
