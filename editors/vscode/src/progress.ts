// Commands that take long show their progress, with a button that cancels them: the client alone would show only a status bar text.
import * as path from "node:path";
import * as vscode from "vscode";
import { ExecuteCommandRequest, WorkDoneProgress, type LanguageClient } from "vscode-languageclient/node";

let numbers = 0;

/** The title of a command's progress; undefined for commands that answer at once. */
export function titleOf(command: string, args: readonly unknown[]): string | undefined {
  if (command === "ane-lsp.checkWorkspace") {
    return "ane-lsp: checking the workspace";
  }
  const uri = (args[0] as { uri?: unknown } | undefined)?.uri;
  return command === "ane-lsp.verify" && typeof uri === "string" ? `ane-lsp verify: ${path.posix.basename(vscode.Uri.parse(uri).path)}` : undefined;
}

/** Run a server command with its progress in a notification; undefined where it failed, which is told. */
export function executeWithProgress(client: LanguageClient, title: string, command: string, args: unknown[]): Thenable<unknown> {
  const workDoneToken = `ane-lsp-vscode-${++numbers}`;
  const options = { location: vscode.ProgressLocation.Notification, cancellable: true, title };
  return vscode.window.withProgress(options, async (progress, cancelled) => {
    let done = 0;
    const heard = client.onProgress(WorkDoneProgress.type, workDoneToken, (value) => {
      if (value.kind !== "end") {
        const now = value.percentage ?? done;
        progress.report({ message: value.message, increment: now - done });
        done = now;
      }
    });
    const stop = cancelled.onCancellationRequested(() => client.sendNotification("window/workDoneProgress/cancel", { token: workDoneToken }));
    try {
      return await client.sendRequest(ExecuteCommandRequest.type, { command, arguments: args, workDoneToken });
    } catch (error) {
      void vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
      return undefined;
    } finally {
      heard.dispose();
      stop.dispose();
    }
  });
}
