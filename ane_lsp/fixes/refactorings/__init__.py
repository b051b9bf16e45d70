"""Rewrites on demand: larger than a quick-fix, asked for at a place, and right or refused with a reason."""

from ane_lsp.fixes.refactorings.base import ORDER, Offer, offers, refactor

__all__ = ["ORDER", "Offer", "offers", "refactor"]
