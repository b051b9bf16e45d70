"""Names the server shares with its clients: commands, action kinds, notifications."""

from __future__ import annotations

QUICKFIX = "quickfix"
FIX_ALL = "source.fixAll.ane"
REWRITE = "refactor.rewrite"
ACTION_KINDS = (QUICKFIX, FIX_ALL, REWRITE)

APPLY_ACTION = "ane-lsp.applyAction"
SHOW_MODEL = "ane-lsp.showModel"
VERIFY = "ane-lsp.verify"
REPORT = "ane-lsp.report"
COMMANDS = {
    APPLY_ACTION: "Apply an action, for clients that know commands only",
    "ane-lsp.checkWorkspace": "Check every file of the workspace, with progress",
    "ane-lsp.debugInfo": "Show what a bug report needs",
    "ane-lsp.fixAll": "Apply all safe fixes in a document",
    "ane-lsp.reanalyse": "Analyse everything again",
    REPORT: "Write the report about a document and show it",
    SHOW_MODEL: "Show the numbers of a model and what they assume",
    "ane-lsp.showRule": "Show a rule's page",
    "ane-lsp.targets": "List chips and devices",
    VERIFY: "Run and convert a model, and compare with its source; only where the workspace is trusted",
}

STATUS = "ane-lsp/status"
IDENTIFIER = "ane-lsp"  # of pulled diagnostics
NOTEBOOKS = ("jupyter-notebook", "interactive")
TRIGGERS = ("#", ":", "[", '"', ",", " ")
