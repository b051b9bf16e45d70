"""How much of real model code the trace understands, measured against what torch really runs."""
