"""pytorch_lightning.core.module: the module classes by another name."""

from pytorch_lightning import LightningDataModule, LightningModule
