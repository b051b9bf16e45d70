"""hydra.core."""
