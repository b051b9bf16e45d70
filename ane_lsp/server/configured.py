"""A client's folders and settings: read from what it said, asked for where it lets itself be asked, told to the session."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from ane_lsp.server import uris
from ane_lsp.server.greeting import Greeting
from ane_lsp.server.options import SECTION, Configuration, read_configuration
from ane_lsp.server.session import SETTINGS_FILES, Session
from ane_lsp.server.wire import Json, RequestError, Wire

log = logging.getLogger(__name__)


class Configured:
    """folders: by key, the URI as the client spells it. told: folders with their settings, and those outside all of them, as the
    analyst got them."""

    def __init__(self, session: Session, wire: Wire, greeting: Greeting) -> None:
        self.folders: dict[str, str] = {}
        self.configuration = Configuration()
        self.told: tuple[tuple[tuple[str, Mapping[str, Any]], ...], Mapping[str, Any]] | None = None
        self._session, self._wire, self._client = session, wire, greeting.client
        params = greeting.params
        self._initial = params.get("initializationOptions")
        given = params.get("workspaceFolders")
        for folder in given if isinstance(given, list) else ():
            if isinstance(folder, dict) and isinstance(folder.get("uri"), str):
                self.folders[uris.key(folder["uri"])] = folder["uri"]
        root = params.get("rootUri") or (uris.from_path(params["rootPath"]) if params.get("rootPath") else None)
        if given is None and isinstance(root, str):
            self.folders[uris.key(root)] = root
        first = next((path for uri in self.folders.values() if (path := uris.to_path(uri))), None)
        if first is not None:
            session.root = first
        self.apply(greeting.configuration)

    @property
    def everything(self) -> bool:
        """Whether all files of the workspace are to be analysed, not only those that are open."""
        return self.configuration.editor.diagnostic_mode == "workspace"

    def apply(self, base: Configuration, folders: Mapping[str, Configuration] | None = None) -> None:
        """base: for files outside all folders. folders: by key, where the client tells them apart."""
        own = folders or {}
        for problem in (*base.problems, *(text for each in own.values() for text in each.problems)):
            log.warning("configuration: %s", problem)
        self.configuration = base
        self._session.debounce = base.editor.debounce / 1000
        if (level := base.editor.log_level) is not None:
            logging.getLogger("ane_lsp").setLevel(logging.CRITICAL + 1 if level == "off" else level.upper())
        paths = {key: uris.to_path(uri) for key, uri in self.folders.items()}
        folders_told = tuple(
            (str(path), dict(own.get(key, base).project)) for key, path in paths.items() if path is not None
        )
        if (folders_told, base.project) != self.told:
            self.told = folders_told, dict(base.project)
            self._session.configure(list(folders_told), dict(base.project))

    async def agree(self) -> None:
        """Ask for what only some clients let a server ask for once it runs: to hear of changes, and for settings."""
        wanted: list[Json] = []
        if self._client.register_configuration:
            wanted.append({
                "id": "ane-lsp-configuration", "method": "workspace/didChangeConfiguration",
                "registerOptions": {"section": SECTION},
            })  # fmt: skip
        if self._client.register_watchers:
            globs = ["**/*.py", *(f"**/{name}" for name in SETTINGS_FILES)]
            wanted.append({
                "id": "ane-lsp-files", "method": "workspace/didChangeWatchedFiles",
                "registerOptions": {"watchers": [{"globPattern": glob} for glob in globs]},
            })  # fmt: skip
        if wanted:
            try:
                await self._wire.ask("client/registerCapability", {"registrations": wanted})
            except RequestError as error:
                log.warning("the client refused a registration: %s", error)
        await self.pull()

    async def pull(self) -> bool:
        """Ask a client that can be asked; others have said everything in ``initialize``. Whether it has answered."""
        if not self._client.configuration:
            return False
        keys = list(self.folders)
        items = [{"section": SECTION}, *({"scopeUri": self.folders[key], "section": SECTION} for key in keys)]
        try:
            answers = await self._wire.ask("workspace/configuration", {"items": items})
        except RequestError as error:
            log.warning("no configuration from the client: %s", error)
            return False
        read = list(map(self._over_initial, answers)) if isinstance(answers, list) else []
        if read:
            self.apply(read[0], dict(zip(keys, read[1:], strict=False)))
        return bool(read)

    async def changed(self, settings: Any) -> None:
        """The client has other settings: `settings`, unless it can be asked."""
        if self._client.configuration:
            await self.pull()
        else:
            self.apply(self._over_initial(settings))

    async def moved(self, added: Mapping[str, str], removed: list[str]) -> None:
        """The client has other folders. added: like `folders`."""
        for key in removed:
            self.folders.pop(key, None)
        self.folders.update(added)
        if not await self.pull():
            self.apply(self.configuration)

    def _over_initial(self, given: Any) -> Configuration:
        """Settings, and those of ``initialize`` where they say nothing."""
        base = read_configuration(self._initial)
        top = read_configuration(given, base.editor)
        return Configuration(top.editor, {**base.project, **top.project}, (*base.problems, *top.problems))
