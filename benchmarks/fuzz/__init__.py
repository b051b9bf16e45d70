"""Coverage-guided fuzzing of everything that reads bytes somebody else wrote: ``python -m benchmarks.fuzz TARGET``."""
