// e2e.mjs URL WORKSPACE SHOTS MODE: drives VS Code in a browser. Each check prints a line; the first failure ends it.
// MODE: trusted (everything), untrusted (what a workspace brings is not run), real (pictures of the real analysis).
import { createRequire } from "node:module";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

const require = createRequire(path.join(process.env.VSCODE_DIR, "package.json"));
const { chromium } = require("playwright-core");
const [url, workspace, shots, mode] = process.argv.slice(2);
fs.mkdirSync(shots, { recursive: true });

const context = await chromium.launchPersistentContext(fs.mkdtempSync(path.join(os.tmpdir(), "chromium-")), {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  viewport: { width: 1280, height: 720 },
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
});
const page = await context.newPage();
page.setDefaultTimeout(90_000);

const started = Date.now();
const shot = (name) => page.screenshot({ path: path.join(shots, `${name}.png`) });
const check = (what, value) => {
  console.log(`${value ? "ok  " : "FAIL"} ${what} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  if (!value) throw new Error(what);
};
const eventually = async (what, condition, argument) => {
  try {
    await page.waitForFunction(condition, argument, { timeout: 90_000, polling: 100 });
  } catch (error) {
    await shot("failed");
    check(`${what}: ${error.message.split("\n")[0]}`, false);
  }
  check(what, true);
};
const open = async (file) => {
  const target = `vscode-remote://${new URL(url).host}${workspace}/${file}`;
  await page.goto(`${url}/?folder=${workspace}&payload=${encodeURIComponent(JSON.stringify([["openFile", target]]))}`);
  await page.waitForSelector(".monaco-workbench .part.editor");
};
// The workspace's settings: VS Code in a browser does not watch the user's own file.
const settings = (change) => {
  fs.mkdirSync(path.join(workspace, ".vscode"), { recursive: true });
  fs.writeFileSync(path.join(workspace, ".vscode", "settings.json"), JSON.stringify(change, null, 2));
};
const warnings = (number) =>
  eventually(`${number} squiggles`, (n) => document.querySelectorAll(".squiggly-warning").length === n, number);
const text = (what, part) => eventually(what, (p) => document.querySelector(".part.editor").innerText.replaceAll("\u00a0", " ").includes(p), part);
const status = (what, part) =>
  eventually(what, (p) => [...document.querySelectorAll(".statusbar-item")].some((item) => item.innerText.includes(p)), part);
const palette = async (title) => {
  await page.keyboard.press("F1");
  await page.waitForSelector(".quick-input-widget .quick-input-box input");
  await page.keyboard.type(title);
  await page.waitForSelector(`.quick-input-list .monaco-list-row:has-text("${title}")`);
  await page.keyboard.press("Enter");
};

async function trusted() {
  await open("model.py");
  await warnings(2);
  await shot("squiggles");
  await text("shape as inlay hint", ": [1, 4] f32");
  await text("code lens", "92 % on the ANE of M4, 3 switches (predicted)");
  await status("status bar", "ANE");
  await shot("hints-and-lens");

  const first = await page.locator(".squiggly-warning").first().boundingBox();
  await page.mouse.move(first.x + first.width / 2, first.y + first.height / 2);
  await page.waitForSelector(".monaco-hover:visible");
  await eventually("hover with message and evidence", () => {
    const shown = [...document.querySelectorAll(".monaco-hover")].map((each) => each.innerText).join("\n");
    return shown.includes("runs on the CPU") && shown.includes("windows above 8") && shown.includes("ANE302");
  });
  await shot("hover");

  await page.mouse.click(first.x + 10, first.y + first.height / 2);
  await page.keyboard.press("Control+.");
  await page.waitForSelector(".action-widget .monaco-list-row");
  const menu = (await page.locator(".action-widget .monaco-list-row").allInnerTexts()).join(" | ");
  check(`quick fixes: ${menu}`, menu.includes("Replace bad by good") && menu.includes("Ignore ANE302"));
  await shot("quick-fix");
  await page.keyboard.press("Enter");
  await text("fix applied", "good(1)");
  await warnings(1);

  await page.keyboard.press("Control+S");
  await warnings(0);
  const deadline = Date.now() + 20_000;
  const onDisk = () => fs.readFileSync(path.join(workspace, "model.py"), "utf8");
  while (onDisk().includes("bad(2)") && Date.now() < deadline) await page.waitForTimeout(100);
  check("all safe fixes on save", onDisk().includes("good(2)") && !onDisk().includes("bad("));

  settings({ "ane-lsp.inlay-hints": "off", "ane-lsp.targets": ["iPhone 15 Pro", "M4"] });
  await status("targets in the status bar", "iPhone 15 Pro +1");
  await eventually("hints switched off", () => !document.querySelector(".part.editor").innerText.includes("f32"));
  settings({});
  await text("hints back", "[1, 4]");
  await eventually("no stale lens", () => !/\d\sfinding/.test(document.querySelector(".part.editor").innerText));

  await palette("ane-lsp: Select Target Devices");
  await page.waitForSelector('.quick-input-list .monaco-list-row:has-text("iPhone 15 Pro")');
  await page.keyboard.type("iphone");
  await page.locator('.quick-input-list .monaco-list-row:has-text("iPhone 15 Pro") input[type=checkbox]').click();
  await shot("targets");
  await page.keyboard.press("Enter");
  await status("target picked by device name", "ANE: iPhone 15 Pro");
  await palette("ane-lsp: Restart Server");
  await status("after a restart", "ANE");
  await text("shapes after a restart", "[1, 4]");

  await open("notebook.ipynb");
  await page.waitForSelector(".notebookOverlay .monaco-editor");
  await warnings(1);
  await shot("notebook");
}

async function untrusted() {
  const ran = () => ["was-run", "environment-was-run"].filter((name) => fs.existsSync(path.join(workspace, name)));
  await open("model.py");
  await status("restricted mode", "Restricted Mode");
  await warnings(2);
  await text("a prediction, which needs nothing to be run", "(predicted)");
  check("no verify lens", !/\bverify\b/.test(await page.locator(".part.editor").innerText()));
  await page.keyboard.press("F1");
  await page.keyboard.type("ane-lsp: Verify");
  await page.waitForTimeout(1500);
  check("no verify command", (await page.locator('.quick-input-list .monaco-list-row:has-text("Verify (Runs")').count()) === 0);
  await page.keyboard.press("Escape");
  check(`nothing of the workspace was run: ${ran()}`, ran().length === 0);
  await shot("untrusted");
}

async function real() {
  await open("detector_neck.py");
  await page.locator(".part.editor .view-line").first().click();
  await page.keyboard.press("Control+G");
  await page.waitForSelector(".quick-input-widget .quick-input-box input");
  await page.keyboard.type("44");
  await page.keyboard.press("Enter");
  await eventually("a real finding", () => document.querySelector(".squiggly-warning, .squiggly-error"));
  await eventually("real shapes", () => /\[1,\s\d+,\s\d+,\s\d+\]/.test(document.querySelector(".part.editor").innerText));
  await eventually("a real lens", () => /on\sthe\sANE\sof\sM4.*\(predicted\)/.test(document.querySelector(".part.editor").innerText));
  await shot("model");
  const place = await page.locator(".squiggly-warning, .squiggly-error").first().boundingBox();
  await page.mouse.move(place.x + place.width / 2, place.y + place.height / 2);
  await page.waitForSelector(".monaco-hover:visible");
  await page.waitForTimeout(800);
  await shot("model-hover");
  await page.mouse.move(5, 5);
  await page.locator('.codelens-decoration a:has-text("open report")').first().click();
  const report = page.frameLocator("iframe.webview.ready").frameLocator("#active-frame");
  await report.locator("h1").waitFor();
  check("report in a webview", (await report.locator("h1").innerText()).includes("detector_neck.py"));
  const policy = await report.locator('meta[http-equiv="Content-Security-Policy"]').first().getAttribute("content");
  check(`its policy: ${policy}`, policy.includes("default-src 'none'") && /script-src 'nonce-\w{32}'/.test(policy));
  await report.locator("#filter").fill("nothing is called this");
  await report.locator("article.finding:visible").first().waitFor({ state: "detached", timeout: 5000 }).catch(() => {});
  check("its own script runs", (await report.locator("article.finding:visible").count()) === 0);
  await report.locator("#filter").fill("");
  await shot("report");
}

let code = 0;
try {
  await { trusted, untrusted, real }[mode]();
} catch (error) {
  console.log(String(error));
  code = 1;
} finally {
  await context.close();
}
process.exit(code);
