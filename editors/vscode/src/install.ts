// Installs the server into an environment of its own, with uv where there is one and venv and pip otherwise.
import { spawn } from "node:child_process";
import * as vscode from "vscode";
import { inEnvironment, output, ownEnvironment } from "./find";

const PACKAGE = "ane-lsp";
const windows = process.platform === "win32";

function run(command: string, args: string[], log: vscode.LogOutputChannel, token: vscode.CancellationToken): Promise<void> {
  return new Promise((resolve, reject) => {
    log.info(`${command} ${args.join(" ")}`);
    const child = spawn(command, args, { windowsHide: true });
    const stop = token.onCancellationRequested(() => child.kill());
    child.stdout.on("data", (data) => log.info(String(data).trimEnd()));
    child.stderr.on("data", (data) => log.info(String(data).trimEnd()));
    child.on("error", reject);
    child.on("close", (code) => {
      stop.dispose();
      code === 0 ? resolve() : reject(new Error(`${command} ended with code ${code}`));
    });
  });
}

async function python(): Promise<string | undefined> {
  for (const name of windows ? ["py", "python"] : ["python3", "python"]) {
    const answer = await output(name, ["-c", "import sys; print(sys.version_info >= (3, 10))"]);
    if (answer?.trim() === "True") {
      return name;
    }
  }
  return undefined;
}

/** True where the server is installed afterwards. */
export async function installServer(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): Promise<boolean> {
  const environment = ownEnvironment(context);
  const title = "Installing the ane-lsp server";
  const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  try {
    await vscode.window.withProgress(options, async (_progress, token) => {
      await vscode.workspace.fs.createDirectory(context.globalStorageUri);
      if ((await output("uv", ["--version"])) !== undefined) {
        await run("uv", ["venv", "--allow-existing", environment], log, token);
        await run("uv", ["pip", "install", "--upgrade", "--python", environment, PACKAGE], log, token);
        return;
      }
      const interpreter = await python();
      if (!interpreter) {
        throw new Error("neither uv nor Python 3.10 or later was found");
      }
      await run(interpreter, ["-m", "venv", environment], log, token);
      const own = inEnvironment(environment, windows ? "python.exe" : "python");
      await run(own, ["-m", "pip", "install", "--upgrade", PACKAGE], log, token);
    });
    return true;
  } catch (error) {
    log.error(String(error));
    const choice = await vscode.window.showErrorMessage(`The ane-lsp server could not be installed: ${error}`, "Show Log");
    if (choice) {
      log.show();
    }
    return false;
  }
}
