"""Which unit each operation of a graph would be placed on: a prediction from eligibility facts and a cost model."""

from ane_lsp.placement.plan import Placed, Placement, Removal, Segment, place
from ane_lsp.placement.words import describe, summary

__all__ = ["Placed", "Placement", "Removal", "Segment", "describe", "place", "summary"]
