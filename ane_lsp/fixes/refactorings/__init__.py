"""Rewrites on demand: larger than a quick-fix, asked for at a place, and right or refused with a reason."""

from ane_lsp.fixes.refactorings.base import NAMES, Offer, offers, refactor

__all__ = ["NAMES", "Offer", "offers", "refactor"]
