"""What the client can do, worked out once from what it said in ``initialize``.

Everything that differs between editors is decided here and asked for by name elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lsprotocol import types as lsp

from ane_lsp.syntax.positions import Encoding

ENCODINGS: tuple[Encoding, ...] = ("utf-8", "utf-16", "utf-32")


@dataclass(frozen=True, slots=True)
class Client:
    """One client's abilities.

    pull: diagnostics are asked for; only where the client can also be told to ask again, or its view goes stale with
    every change of settings. Everything else gets them pushed. lazy_actions: edits may be left to ``codeAction/resolve``.
    versioned_edits: ``documentChanges`` are understood, so an edit of an outdated text is refused by the client.
    """

    name: str = ""
    encoding: Encoding = "utf-16"
    pull: bool = False
    related_documents: bool = False
    related_information: bool = False
    code_description: bool = False
    diagnostic_tags: bool = False
    diagnostic_data: bool = False
    literal_actions: bool = True
    preferred_actions: bool = False
    action_data: bool = False
    lazy_actions: bool = False
    versioned_edits: bool = False
    apply_edit: bool = False
    markdown: bool = True
    lazy_hint_tooltips: bool = False
    refresh_diagnostics: bool = False
    refresh_hints: bool = False
    refresh_lenses: bool = False
    configuration: bool = False
    register_configuration: bool = False
    register_watchers: bool = False
    relative_patterns: bool = False
    register_diagnostics: bool = False
    progress: bool = False
    show_document: bool = False
    status: bool = False

    @classmethod
    def of(cls, params: lsp.InitializeParams) -> Client:
        """Derive the abilities. Whatever the client leaves out it cannot do."""
        caps = params.capabilities
        text, work, window, general = caps.text_document, caps.workspace, caps.window, caps.general
        publish = text.publish_diagnostics if text else None
        pull = text.diagnostic if text else None
        action = text.code_action if text else None
        hint = text.inlay_hint if text else None
        refresh = bool(work and work.diagnostics and work.diagnostics.refresh_support)
        offered = list(general.position_encodings or ()) if general else []
        known = (e for offer in offered for e in ENCODINGS if str(getattr(offer, "value", offer)) == e)
        encoding: Encoding = next(known, "utf-16")
        resolvable = set(action.resolve_support.properties) if action and action.resolve_support else set()
        hover = text.hover.content_format if text and text.hover else None
        hint_resolve = set(hint.resolve_support.properties) if hint and hint.resolve_support else set()
        options = params.initialization_options
        return cls(
            name=params.client_info.name if params.client_info else "",
            encoding=encoding,
            pull=pull is not None and refresh,
            related_documents=bool(pull and pull.related_document_support),
            related_information=_either(publish, pull, "related_information"),
            code_description=_either(publish, pull, "code_description_support"),
            diagnostic_tags=_either(publish, pull, "tag_support"),
            diagnostic_data=_either(publish, pull, "data_support"),
            literal_actions=bool(action and action.code_action_literal_support),
            preferred_actions=bool(action and action.is_preferred_support),
            action_data=bool(action and action.data_support),
            lazy_actions=bool(action and action.data_support and "edit" in resolvable),
            versioned_edits=bool(work and work.workspace_edit and work.workspace_edit.document_changes),
            apply_edit=bool(work and work.apply_edit),
            markdown=hover is None or lsp.MarkupKind.Markdown in hover,
            lazy_hint_tooltips="tooltip" in hint_resolve,
            refresh_diagnostics=refresh,
            refresh_hints=bool(work and work.inlay_hint and work.inlay_hint.refresh_support),
            refresh_lenses=bool(work and work.code_lens and work.code_lens.refresh_support),
            configuration=bool(work and work.configuration),
            register_configuration=_dynamic(work and work.did_change_configuration),
            register_watchers=_dynamic(work and work.did_change_watched_files),
            relative_patterns=bool(
                work and work.did_change_watched_files and work.did_change_watched_files.relative_pattern_support
            ),
            register_diagnostics=_dynamic(pull),
            progress=bool(window and window.work_done_progress),
            show_document=bool(window and window.show_document and window.show_document.support),
            status=isinstance(options, dict) and bool(options.get("statusNotification")),
        )


def _either(push: Any, pull: Any, name: str) -> bool:
    return bool(getattr(push, name, None) or getattr(pull, name, None))


def _dynamic(capability: Any) -> bool:
    return bool(capability and capability.dynamic_registration)
