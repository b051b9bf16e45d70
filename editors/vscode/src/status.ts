// The item in the status bar: what the server does, which devices are checked for, and the way to the commands.
import * as vscode from "vscode";

export type State = "starting" | "analysing" | "idle" | "failing" | "missing" | "stopped";

export class Status implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem("ane-lsp", vscode.StatusBarAlignment.Right, 90);
  private state: State = "starting";
  private detail = "";
  private timer: NodeJS.Timeout | undefined;

  constructor() {
    this.item.name = "ane-lsp";
    this.item.command = "ane-lsp.menu";
    this.item.show();
    this.render();
  }

  set(state: State, detail = ""): void {
    this.state = state;
    this.detail = detail;
    clearTimeout(this.timer);
    // Most analyses are over before an icon could turn.
    this.timer = setTimeout(() => this.render(), state === "analysing" ? 300 : 0);
  }

  render(): void {
    const targets = vscode.workspace.getConfiguration("ane-lsp").get<string[] | string | null>("targets");
    const named = targets ? [targets].flat() : [];
    const where = named.length > 1 ? `${named[0]} +${named.length - 1}` : named[0];
    const icon = { starting: "sync~spin", analysing: "sync~spin", idle: "circuit-board", failing: "warning", missing: "warning", stopped: "circle-slash" };
    this.item.text = `$(${icon[this.state]}) ANE${where ? `: ${where}` : ""}`;
    const words = { starting: "starting", analysing: `analysing ${this.detail}`, idle: "ready", failing: this.detail, missing: "no server found", stopped: "stopped" };
    this.item.tooltip = `ane-lsp: ${words[this.state]}`;
    const wrong = this.state === "failing" || this.state === "missing";
    this.item.backgroundColor = wrong ? new vscode.ThemeColor("statusBarItem.warningBackground") : undefined;
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.item.dispose();
  }
}
