//! Starts `ane-lsp server` from PATH or from where the settings say.

use zed_extension_api::{self as zed, serde_json, settings::LspSettings, LanguageServerId, Result};

struct AneLsp;

impl zed::Extension for AneLsp {
    fn new() -> Self {
        Self
    }

    fn language_server_command(&mut self, id: &LanguageServerId, worktree: &zed::Worktree) -> Result<zed::Command> {
        let binary = LspSettings::for_worktree(id.as_ref(), worktree).ok().and_then(|settings| settings.binary);
        let arguments = binary.as_ref().and_then(|binary| binary.arguments.clone());
        let command = binary
            .and_then(|binary| binary.path)
            .or_else(|| worktree.which("ane-lsp"))
            .ok_or_else(|| "ane-lsp is not on PATH: pip install ane-lsp".to_string())?;
        Ok(zed::Command {
            command,
            args: arguments.unwrap_or_else(|| vec!["server".to_string()]),
            env: worktree.shell_env(),
        })
    }

    fn language_server_workspace_configuration(
        &mut self,
        id: &LanguageServerId,
        worktree: &zed::Worktree,
    ) -> Result<Option<serde_json::Value>> {
        let settings = LspSettings::for_worktree(id.as_ref(), worktree).ok().and_then(|settings| settings.settings);
        Ok(settings.map(|settings| serde_json::json!({ "ane-lsp": settings })))
    }
}

zed::register_extension!(AneLsp);
