"""Language servers side by side in one run, driven alike; figures for docs/comparison.md."""
