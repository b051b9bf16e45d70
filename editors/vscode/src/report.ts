// The report about a file in a tab. The page is the server's; it loads nothing, and runs nothing but its own script.
import { randomBytes } from "node:crypto";
import * as vscode from "vscode";

export interface Report {
  title: string;
  html: string;
}

const POLICY = "script-src 'unsafe-inline'";
const SCRIPT = "<script>";
let panel: vscode.WebviewPanel | undefined;

/** The page with its one script named by a nonce; undefined where the page is not as expected, then no script is allowed. */
function withNonce(html: string): string | undefined {
  const parts = html.split(SCRIPT);
  if (parts.length !== 2 || !html.includes(POLICY)) {
    return undefined;
  }
  const nonce = randomBytes(16).toString("hex");
  return parts.join(`<script nonce="${nonce}">`).replace(POLICY, `script-src 'nonce-${nonce}'`);
}

export function showReport(report: Report): void {
  const page = withNonce(report.html);
  if (!panel) {
    const column = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
    panel = vscode.window.createWebviewPanel("ane-lsp.report", "", column, { localResourceRoots: [], enableFindWidget: true });
    panel.onDidDispose(() => (panel = undefined));
  }
  panel.title = `ANE: ${report.title}`;
  panel.webview.options = { enableScripts: page !== undefined, localResourceRoots: [] };
  panel.webview.html = page ?? report.html;
  panel.reveal(undefined, true);
}
