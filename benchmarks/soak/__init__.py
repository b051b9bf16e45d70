"""The server under an hour of random edits: ``python -m benchmarks.soak``."""
