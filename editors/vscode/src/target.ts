// Picks chips and devices by name and writes them into the settings.
import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";

interface Target {
  name: string;
  about: string;
}

export async function selectTarget(client: LanguageClient | undefined): Promise<void> {
  if (!client?.isRunning()) {
    void vscode.window.showWarningMessage("The ane-lsp server is not running.");
    return;
  }
  const targets = await client.sendRequest<Target[]>("workspace/executeCommand", { command: "ane-lsp.targets" });
  const settings = vscode.workspace.getConfiguration("ane-lsp");
  const now = new Set([settings.get<string[] | string | null>("targets") ?? []].flat());
  const items = targets.map((each) => ({ label: each.name, description: each.about, picked: now.has(each.name) }));
  items.sort((a, b) => Number(b.picked) - Number(a.picked));
  const chosen = await vscode.window.showQuickPick(items, {
    canPickMany: true,
    matchOnDescription: true,
    title: "What must the models run on?",
    placeHolder: "Chips and devices; findings name the worst",
  });
  if (chosen) {
    const names = chosen.map((each) => each.label);
    const scope = vscode.workspace.workspaceFolders ? vscode.ConfigurationTarget.Workspace : vscode.ConfigurationTarget.Global;
    await settings.update("targets", names.length > 0 ? names : undefined, scope);
  }
}
