"""Findings to edits. Proposals come from fixers bound to rules; the gate decides by analysing the edited text."""

from ane_lsp.fixes.fixpoint import Fixed, fix_text, fixes_for, propose
from ane_lsp.fixes.site import fixable_codes

__all__ = ["Fixed", "fix_text", "fixable_codes", "fixes_for", "propose"]
