"""Asks coremltools about every torch call we describe, and compares its answer with the conversion table."""
