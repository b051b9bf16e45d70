"""The declarations, one module per family. Importing a module declares its ops."""

from importlib import import_module

FAMILIES: tuple[str, ...] = (
    "pointwise",
    "binary",
    "selection",
    "logic",
    "dtypes",
    "info",
    "reduction",
    "cumulative",
    "creation",
    "random_ops",
    "spectral",
    "shaping",
    "joining",
    "loss",
    "decompositions",
    "custom",
    "quantizing",
    "vision",
    "recurrent",
    "einops_ops",
    "attention",
    "embedding",
    "resize",
    "activation",
    "normalization",
    "padding",
    "conv",
    "pooling",
    "matmul",
    "einsum",
    "norms",
    "splitting",
    "indexing",
    "subscripting",
    "rearranging",
)


def load() -> None:
    """Import every family once."""
    for family in FAMILIES:
        import_module(f"{__name__}.{family}")
