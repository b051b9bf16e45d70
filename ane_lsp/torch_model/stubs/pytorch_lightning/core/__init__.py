"""pytorch_lightning.core: the module classes by another name."""

from pytorch_lightning import LightningDataModule, LightningModule
