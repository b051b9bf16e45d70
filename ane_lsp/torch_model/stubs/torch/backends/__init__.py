"""Backend switches."""

fp32_precision = "none"
