// Finds the command that starts the server. What a workspace brings along is run only where the workspace is trusted.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import * as path from "node:path";
import * as vscode from "vscode";

export interface Found {
  command: string;
  args: string[];
  /** How it was found, for the log. */
  origin: string;
}

const windows = process.platform === "win32";
const scripts = windows ? "Scripts" : "bin";
const executable = windows ? "ane-lsp.exe" : "ane-lsp";
// Not -m: that puts the workspace's folder first on the import path, and a file of a library's name in it would be run.
const SAFE = "import sys; sys.path[:] = [p for p in sys.path if p]; ";
const SERVE = ["-c", `${SAFE}from ane_lsp.cli.main import main; sys.exit(main(['server', *sys.argv[1:]]))`];

/** The environment made by "Install the Server". */
export function ownEnvironment(context: vscode.ExtensionContext): string {
  return path.join(context.globalStorageUri.fsPath, "server");
}

export function inEnvironment(environment: string, name: string): string {
  return path.join(environment, scripts, name);
}

/** Run a program; its output, or undefined where it fails. */
export function output(command: string, args: string[], timeout = 20_000): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(command, args, { timeout, windowsHide: true }, (error, stdout) => resolve(error ? undefined : String(stdout)));
  });
}

async function serves(interpreter: string): Promise<boolean> {
  return (await output(interpreter, ["-c", `${SAFE}import ane_lsp.server`])) !== undefined;
}

/** The interpreter chosen in the Python extension, where that is installed. */
async function selectedInterpreter(scope: vscode.Uri | undefined): Promise<string | undefined> {
  const python = vscode.extensions.getExtension("ms-python.python");
  if (!python) {
    return undefined;
  }
  try {
    const api = await python.activate();
    const chosen = api?.environments?.getActiveEnvironmentPath(scope);
    const resolved = chosen && (await api.environments.resolveEnvironment(chosen));
    return resolved?.executable?.uri?.fsPath;
  } catch {
    return undefined;
  }
}

function onPath(name: string): string | undefined {
  return (process.env.PATH ?? "")
    .split(path.delimiter)
    .filter((folder) => path.isAbsolute(folder))
    .map((folder) => path.join(folder, name))
    .find((file) => existsSync(file));
}

/** Settings first, then the selected interpreter, the workspace's environment, PATH, and the one this extension made. */
export async function findServer(context: vscode.ExtensionContext): Promise<Found | undefined> {
  const folder = vscode.workspace.workspaceFolders?.[0];
  const settings = vscode.workspace.getConfiguration("ane-lsp", folder?.uri);
  const command = settings.get<string[] | null>("server.command");
  if (command && !Array.isArray(command)) {
    throw new Error("ane-lsp.server.command must be a list: the program, then each argument");
  }
  if (command && command.length > 0) {
    return { command: command[0], args: command.slice(1), origin: "ane-lsp.server.command" };
  }
  const interpreter = settings.get<string | null>("server.interpreter");
  if (interpreter) {
    return { command: interpreter, args: SERVE, origin: "ane-lsp.server.interpreter" };
  }
  if (vscode.workspace.isTrusted) {
    const selected = await selectedInterpreter(folder?.uri);
    if (selected && (await serves(selected))) {
      return { command: selected, args: SERVE, origin: "the selected interpreter" };
    }
    for (const each of vscode.workspace.workspaceFolders ?? []) {
      for (const name of [".venv", "venv"]) {
        const file = inEnvironment(path.join(each.uri.fsPath, name), executable);
        if (each.uri.scheme === "file" && existsSync(file)) {
          return { command: file, args: ["server"], origin: `${name} of ${each.name}` };
        }
      }
    }
  }
  const global = onPath(executable);
  if (global) {
    return { command: global, args: ["server"], origin: "PATH" };
  }
  const own = inEnvironment(ownEnvironment(context), executable);
  return existsSync(own) ? { command: own, args: ["server"], origin: "installed by this extension" } : undefined;
}
