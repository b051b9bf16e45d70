"""Makes the pages of the documentation site that are data: rules, chips, devices, operations, editors.

:func:`generator.pages.pages` gives every such page as Markdown; `hook.py` hands them to MkDocs. Nothing here needs MkDocs.
"""
