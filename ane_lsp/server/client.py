"""What the client can do, worked out once from what it said in ``initialize``.

Everything that differs between editors is decided here and asked for by name elsewhere. Reads plain JSON: ``initialize`` is
answered before the protocol's types are imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ane_lsp.graph.records import dataclass
from ane_lsp.syntax.positions import Encoding

ENCODINGS: tuple[Encoding, ...] = ("utf-8", "utf-16", "utf-32")


@dataclass(frozen=True)
class Client:
    """One client's abilities.

    pull: diagnostics are asked for; only where the client can also be told to ask again, or its view goes stale with
    every change of settings. Everything else gets them pushed. lazy_actions: edits may be left to ``codeAction/resolve``.
    trusted: the user has said to the editor that code of this workspace may be run; nothing but ``initialize`` can say so.
    report_content: reports are shown by the client, which gets their text. versioned_edits: ``documentChanges`` are
    understood, so an edit of an outdated text is refused by the client. annotated_edits: an edit may say what it is and ask to
    be looked at first. creates_files: an edit may make a file.
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
    lazy_actions: bool = False
    versioned_edits: bool = False
    annotated_edits: bool = False
    creates_files: bool = False
    apply_edit: bool = False
    markdown: bool = True
    lazy_hint_tooltips: bool = False
    refresh_diagnostics: bool = False
    refresh_hints: bool = False
    refresh_lenses: bool = False
    configuration: bool = False
    register_configuration: bool = False
    register_watchers: bool = False
    progress: bool = False
    status: bool = False
    show_document: bool = False
    trusted: bool = False
    report_content: bool = False

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Client:
        """Derive the abilities from the parameters of ``initialize``. Whatever the client leaves out it cannot do."""

        def get(path: str, base: Any = params.get("capabilities")) -> Any:
            for key in path.split("."):
                base = base.get(key) if isinstance(base, Mapping) else None
            return base

        def listed(path: str) -> list[Any]:
            found = get(path)
            return found if isinstance(found, list) else []

        def shown(name: str) -> bool:
            """Both ways of getting diagnostics declare what can be shown of one."""
            return bool(get(f"textDocument.publishDiagnostics.{name}") or get(f"textDocument.diagnostic.{name}"))

        offered = listed("general.positionEncodings")
        encoding: Encoding = next((known for offer in offered for known in ENCODINGS if offer == known), "utf-16")
        refresh = bool(get("workspace.diagnostics.refreshSupport"))
        hover = get("textDocument.hover.contentFormat")
        data = bool(get("textDocument.codeAction.dataSupport"))
        return cls(
            name=str(get("name", params.get("clientInfo")) or ""),
            encoding=encoding,
            pull=get("textDocument.diagnostic") is not None and refresh,
            related_documents=bool(get("textDocument.diagnostic.relatedDocumentSupport")),
            related_information=shown("relatedInformation"),
            code_description=shown("codeDescriptionSupport"),
            diagnostic_tags=shown("tagSupport"),
            diagnostic_data=shown("dataSupport"),
            literal_actions=get("textDocument.codeAction.codeActionLiteralSupport") is not None,
            preferred_actions=bool(get("textDocument.codeAction.isPreferredSupport")),
            lazy_actions=data and "edit" in listed("textDocument.codeAction.resolveSupport.properties"),
            versioned_edits=bool(get("workspace.workspaceEdit.documentChanges")),
            annotated_edits=bool(get("workspace.workspaceEdit.documentChanges"))
            and get("workspace.workspaceEdit.changeAnnotationSupport") is not None,
            creates_files=bool(get("workspace.workspaceEdit.documentChanges"))
            and "create" in listed("workspace.workspaceEdit.resourceOperations"),
            apply_edit=bool(get("workspace.applyEdit")),
            markdown=not isinstance(hover, list) or "markdown" in hover,
            lazy_hint_tooltips="tooltip" in listed("textDocument.inlayHint.resolveSupport.properties"),
            refresh_diagnostics=refresh,
            refresh_hints=bool(get("workspace.inlayHint.refreshSupport")),
            refresh_lenses=bool(get("workspace.codeLens.refreshSupport")),
            configuration=bool(get("workspace.configuration")),
            register_configuration=bool(get("workspace.didChangeConfiguration.dynamicRegistration")),
            register_watchers=bool(get("workspace.didChangeWatchedFiles.dynamicRegistration")),
            progress=bool(get("window.workDoneProgress")),
            status=bool(get("statusNotification", params.get("initializationOptions"))),
            show_document=bool(get("window.showDocument.support")),
            trusted=get("trusted", params.get("initializationOptions")) is True,
            report_content=bool(get("reportContent", params.get("initializationOptions"))),
        )
