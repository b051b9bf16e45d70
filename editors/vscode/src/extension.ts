import * as vscode from "vscode";
import { CloseAction, LanguageClient, RevealOutputChannelOn, State as ClientState, type ErrorHandler, type LanguageClientOptions } from "vscode-languageclient/node";
import { findServer } from "./find";
import { showReport, type Report } from "./report";
import { installServer } from "./install";
import { executeWithProgress, titleOf } from "./progress";
import { Status, type State } from "./status";
import { selectTarget } from "./target";

const SECTION = "ane-lsp";
const RESTARTS = 4;
const PATIENCE = 60_000; // milliseconds until a server that does not answer is given up
let client: LanguageClient | undefined;
let changing: Promise<void> = Promise.resolve();
let leave: (() => void) | undefined; // ends the present server where it does not answer

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel("ane-lsp", { log: true });
  const status = new Status();
  // What goes wrong in one start is told and ends there: the next, after a mended setting, must come all the same.
  const failed = (error: unknown) => {
    status.set("failing", `the server does not start: ${error}`);
    log.error(String(error));
  };
  const restart = () => {
    leave?.(); // it would keep the next one waiting
    return (changing = changing.then(() => start(context, log, status)).catch(failed));
  };
  const command = (name: string, run: (...args: any[]) => unknown) =>
    context.subscriptions.push(vscode.commands.registerCommand(`ane-lsp.${name}`, run));

  context.subscriptions.push(log, status);
  command("restart", restart);
  command("showLog", () => log.show());
  command("selectTarget", () => selectTarget(client));
  command("installServer", async () => {
    if (await installServer(context, log)) {
      await restart();
    }
  });
  command("fixAllInFile", () => {
    const uri = vscode.window.activeTextEditor?.document.uri;
    return uri && execute("ane-lsp.fixAll", client?.code2ProtocolConverter.asUri(uri));
  });
  command("openRule", openRule);
  command("showDebugInfo", async () => {
    const content = JSON.stringify(await execute("ane-lsp.debugInfo"), null, 2);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ content, language: "json" }));
  });
  command("menu", () => menu());
  command("openReport", () => about("ane-lsp.report"));
  command("verifyFile", () => about("ane-lsp.verify"));

  context.subscriptions.push(
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(`${SECTION}.server`)) {
        void restart();
      } else if (event.affectsConfiguration(SECTION)) {
        status.render();
      }
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => void restart()),
  );
  await restart();
}

export async function deactivate(): Promise<void> {
  leave?.();
  await changing;
  await client?.stop(2000);
}

async function start(context: vscode.ExtensionContext, log: vscode.LogOutputChannel, status: Status): Promise<void> {
  await client?.dispose().catch((error) => log.warn(String(error)));
  leave?.();
  client = undefined;
  await vscode.commands.executeCommand("setContext", "ane-lsp.running", false);
  status.set("starting");
  const found = await findServer(context);
  if (!found) {
    status.set("missing");
    log.warn("no server found; run \"ane-lsp: Install the Server\", or pip install ane-lsp in the selected environment");
    void offerInstall();
    return;
  }
  log.info(`server: ${found.command} ${found.args.join(" ")} (${found.origin})`);
  const settings = vscode.workspace.getConfiguration(SECTION);
  const options: LanguageClientOptions = {
    documentSelector: [
      { scheme: "file", language: "python" },
      { scheme: "untitled", language: "python" },
      { scheme: "vscode-notebook-cell", language: "python" },
      { scheme: "file", pattern: "**/{ane-lsp.toml,.ane-lsp.toml,pyproject.toml}" },
    ],
    outputChannel: log,
    traceOutputChannel: log,
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    initializationOptions: {
      statusNotification: true,
      reportContent: true,
      // Asked for again when trust is granted, by a restart. Nothing a workspace brings along can set it.
      trusted: vscode.workspace.isTrusted,
      "diagnostic-mode": settings.get("diagnostic-mode"),
    },
    middleware: {
      executeCommand: async (name, args, next) => {
        const title = titleOf(name, args);
        const result = title && client ? await executeWithProgress(client, title, name, args) : await next(name, args);
        if (name === "ane-lsp.report" && result) {
          showReport(result as Report);
        }
        return result;
      },
    },
    // Pulled whenever the active editor changes as well, so that what was edited elsewhere is never stale.
    diagnosticPullOptions: { onChange: true, onSave: false, onTabs: false },
    errorHandler: {
      error: (...given) => usual.error(...given),
      closed: () => (left ? { action: CloseAction.DoNotRestart, handled: true } : usual.closed()),
    },
  };
  const run = { command: found.command, args: found.args };
  const starting = (client = new LanguageClient(SECTION, "ane-lsp", { run, debug: run }, options));
  const usual: ErrorHandler = client.createDefaultErrorHandler(RESTARTS);
  let left = false;
  client.onNotification("ane-lsp/status", (params: { state: State; detail: string }) => status.set(params.state, params.detail));
  client.onDidChangeState((event) => {
    if (event.newState === ClientState.Stopped) {
      status.set("stopped");
      void vscode.commands.executeCommand("setContext", "ane-lsp.running", false);
    }
  });
  leave = () => {
    if (!starting.isRunning()) {
      left = true;
      starting.serverProcess?.kill("SIGKILL");
    }
  };
  const timer = setTimeout(leave, PATIENCE);
  try {
    await starting.start();
  } catch (error) {
    throw left ? new Error("it does not answer") : error;
  } finally {
    clearTimeout(timer);
  }
  status.set("idle");
  await vscode.commands.executeCommand("setContext", "ane-lsp.running", true);
}

async function offerInstall(): Promise<void> {
  const text = "ane-lsp is a Python package, and no environment here has it.";
  const choice = await vscode.window.showInformationMessage(text, "Install", "Show Log");
  if (choice) {
    await vscode.commands.executeCommand(choice === "Install" ? "ane-lsp.installServer" : "ane-lsp.showLog");
  }
}

async function execute<T>(command: string, ...args: unknown[]): Promise<T | undefined> {
  if (!client?.isRunning()) {
    void vscode.window.showWarningMessage("The ane-lsp server is not running.");
    return undefined;
  }
  return client.sendRequest<T>("workspace/executeCommand", { command, arguments: args });
}

/** A server command about the file in front. */
async function about(command: string): Promise<void> {
  const uri = vscode.window.activeTextEditor?.document.uri;
  if (uri && client?.isRunning()) {
    await vscode.commands.executeCommand(command, { uri: client.code2ProtocolConverter.asUri(uri) });
  } else {
    void vscode.window.showWarningMessage("The ane-lsp server is not running, or no file is open.");
  }
}

async function openRule(code?: string): Promise<void> {
  const here = vscode.window.activeTextEditor;
  const found = here && vscode.languages.getDiagnostics(here.document.uri).find((each) => each.source === "ane-lsp" && each.range.contains(here.selection.active));
  const named = found && (typeof found.code === "object" ? String(found.code.value) : String(found.code));
  const wanted = code ?? (await vscode.window.showInputBox({ title: "Explain a rule", value: named, placeHolder: "ANE302" }));
  const page = wanted && (await execute<string | null>("ane-lsp.showRule", wanted.trim().toUpperCase()));
  if (page) {
    const document = await vscode.workspace.openTextDocument({ content: page, language: "markdown" });
    await vscode.commands.executeCommand("markdown.showPreview", document.uri);
  } else if (wanted) {
    void vscode.window.showWarningMessage(`There is no rule ${wanted}.`);
  }
}

async function menu(): Promise<void> {
  const entries: [string, string][] = [
    ["$(device-mobile) Select target devices", "ane-lsp.selectTarget"],
    ["$(checklist) Check workspace", "ane-lsp.checkWorkspace"],
    ["$(graph) Open the report about this file", "ane-lsp.openReport"],
    ["$(book) Explain a rule", "ane-lsp.openRule"],
    ["$(debug-restart) Restart server", "ane-lsp.restart"],
    ["$(output) Show log", "ane-lsp.showLog"],
  ];
  const items = entries.map(([label, command]) => ({ label, command }));
  const chosen = await vscode.window.showQuickPick(items, { title: "ane-lsp" });
  if (chosen) {
    await vscode.commands.executeCommand(chosen.command);
  }
}
