// e2e.mjs URL WORKSPACE SHOTS MODE: drives VS Code in a browser. Each check prints a line.
// MODE: trusted (everything), untrusted (what a workspace brings is not run), real (analysis, report and verify as they are).
import fs from "node:fs";
import path from "node:path";
import { run } from "../browser.mjs";

const [url, workspace, shots, mode] = process.argv.slice(2);
const PREFERRED = "Replace bad by good";

await run(shots, async ({ page, shot, check, eventually, until }) => {
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
  const shown = () => page.evaluate(() => document.querySelector(".part.editor").innerText.replaceAll("\u00a0", " "));
  const text = (what, part) =>
    eventually(what, (p) => document.querySelector(".part.editor").innerText.replaceAll("\u00a0", " ").includes(p), part);
  const status = (what, part) =>
    eventually(what, (p) => [...document.querySelectorAll(".statusbar-item")].some((item) => item.innerText.includes(p)), part);
  const palette = async (title) => {
    await page.keyboard.press("F1");
    await page.waitForSelector(".quick-input-widget .quick-input-box input");
    await page.keyboard.type(title);
    await page.waitForSelector(`.quick-input-list .monaco-list-row:has-text("${title}")`);
    await page.keyboard.press("Enter");
  };
  const squiggle = async () => {
    const box = await page.locator(".squiggly-warning, .squiggly-error").first().boundingBox();
    return { x: box.x + Math.min(20, box.width / 2), y: box.y + box.height / 2 };
  };
  const hovers = () =>
    page.evaluate(() => [...document.querySelectorAll(".monaco-hover")].filter((each) => each.offsetParent).map((each) => each.innerText).join("\n"));
  const hover = (what, ...parts) =>
    until(what, async () => {
      const place = await squiggle();
      await page.mouse.move(place.x - 3, place.y);
      await page.mouse.move(place.x, place.y);
      await page.waitForTimeout(1000);
      const found = await hovers();
      return parts.every((part) => found.includes(part));
    });
  const line = async (number) => {
    await page.locator(".part.editor .view-line").first().click();
    await page.keyboard.press("Control+G");
    await page.waitForSelector(".quick-input-widget .quick-input-box input");
    await page.keyboard.type(String(number));
    await page.keyboard.press("Enter");
  };

  async function trusted() {
    await open("model.py");
    await warnings(2);
    await text("shape as inlay hint", ": [1, 4] f32");
    await text("code lens", "92 % on the ANE of M4, 3 switches (predicted)");
    await status("status bar", "ANE");
    await shot("editor");
    await hover("hover with message and evidence", "runs on the CPU", "windows above 8", "ANE302");

    // Typing, through text that does not parse, must not make findings or shapes come and go.
    await page.keyboard.press("Escape");
    await page.locator(".part.editor .view-line").last().click();
    await page.keyboard.press("Control+End");
    await page.evaluate(() => {
      window.least = { squiggles: 99, shapes: 99 };
      const look = () => {
        const shapes = document.querySelector(".part.editor").innerText.includes("f32") ? 1 : 0;
        window.least.squiggles = Math.min(window.least.squiggles, document.querySelectorAll(".squiggly-warning").length);
        window.least.shapes = Math.min(window.least.shapes, shapes);
        window.looking = requestAnimationFrame(look);
      };
      look();
    });
    await page.keyboard.type("value = = 3", { delay: 60 });
    await eventually("the syntax error is shown", () => document.querySelector(".squiggly-error"));
    const least = await page.evaluate(() => (cancelAnimationFrame(window.looking), window.least));
    check(`no flicker while typing: at least ${least.squiggles} squiggles, ${least.shapes} shape`, least.squiggles === 2 && least.shapes === 1);
    await page.keyboard.press("Control+Shift+K");
    await eventually("and goes", () => !document.querySelector(".squiggly-error"));

    await until("quick fixes on the squiggle", async () => {
      const place = await squiggle();
      await page.mouse.click(place.x, place.y);
      await page.keyboard.press("Control+.");
      const come = await page.waitForSelector(".action-widget .monaco-list-row", { timeout: 8000 }).catch(() => null);
      if (!come) return false; // asked too early: "No code actions available"
      const menu = (await page.locator(".action-widget .monaco-list-row").allInnerTexts()).join(" | ");
      console.log(`     ${menu}`);
      if (menu.includes(PREFERRED) && menu.includes("Ignore ANE302")) return true;
      await page.keyboard.press("Escape");
      return false;
    });
    await shot("menu");
    await page.keyboard.press("Enter"); // the preferred one stands first
    await text("fix applied", "good(1)");
    await warnings(1);

    await page.keyboard.press("Control+S");
    await warnings(0);
    const onDisk = () => fs.readFileSync(path.join(workspace, "model.py"), "utf8");
    await until("all safe fixes on save", () => onDisk().includes("good(2)") && !onDisk().includes("bad("), 100);

    settings({ "ane-lsp.inlay-hints": "off", "ane-lsp.targets": ["iPhone 15 Pro", "M4"] });
    await status("targets in the status bar", "iPhone 15 Pro +1");
    await eventually("hints switched off", () => !document.querySelector(".part.editor").innerText.includes("f32"));
    settings({});
    await text("hints back", "[1, 4]");
    await eventually("no stale lens", () => !/\d\sfinding/.test(document.querySelector(".part.editor").innerText));

    settings({ "ane-lsp.server.command": "no list" });
    await page.waitForSelector('.statusbar-item[aria-label*="must be a list"]');
    await eventually("no shapes without a server", () => !document.querySelector(".part.editor").innerText.includes("f32"));
    settings({});
    await text("shapes once it is mended", "[1, 4]");
    const server = (state) => page.waitForSelector(`.statusbar-item[aria-label*="ane-lsp: ${state}"]`);
    await server("ready");
    settings({ "ane-lsp.server.command": ["sleep", "1000"] });
    await server("starting");
    await page.waitForTimeout(2000); // it will never answer
    await server("starting");
    await eventually("no shapes while a server does not answer", () => !document.querySelector(".part.editor").innerText.includes("f32"));
    settings({});
    await server("ready");
    await text("shapes once another does", "[1, 4]");

    await palette("ane-lsp: Select Target Devices");
    await page.waitForSelector('.quick-input-list .monaco-list-row:has-text("iPhone 15 Pro")');
    await page.keyboard.type("iphone");
    await page.locator('.quick-input-list .monaco-list-row:has-text("iPhone 15 Pro") input[type=checkbox]').first().click();
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
    check("no verify lens", !/\bverify\b/.test(await shown()));
    await page.keyboard.press("F1");
    await page.waitForSelector(".quick-input-widget .quick-input-box input");
    await page.keyboard.type("ane-lsp: ");
    await page.waitForSelector('.quick-input-list .monaco-list-row:has-text("ane-lsp: Restart Server")');
    const commands = (await page.locator(".quick-input-list .monaco-list-row").allInnerTexts()).join(" | ").replaceAll("\n", " ");
    check(`no verify command: ${commands}`, commands.includes("Open Report") && !commands.includes("Verify"));
    await page.keyboard.press("Escape");
    check(`nothing of the workspace was run: ${ran()}`, ran().length === 0);
    await shot("untrusted");
  }

  async function real() {
    await open("detector_neck.py");
    await eventually("the editor", () => document.querySelectorAll(".part.editor .view-line").length > 3);
    await line(44);
    await eventually("a real finding", () => document.querySelector(".squiggly-warning, .squiggly-error"));
    await eventually("real shapes", () => /\[1,\s\d+,\s\d+,\s\d+\]/.test(document.querySelector(".part.editor").innerText));
    await eventually("a real lens", () => /on\sthe\sANE\sof\sM4.*\(predicted\)/.test(document.querySelector(".part.editor").innerText));
    await hover("message and evidence", "ANE", "M4");
    await shot("hover");
    await until("a real fix is offered", async () => {
      await page.mouse.move(5, 5);
      const place = await squiggle();
      await page.mouse.click(place.x, place.y);
      await page.keyboard.press("Control+.");
      const come = await page.waitForSelector(".action-widget .monaco-list-row", { timeout: 8000 }).catch(() => null);
      if (!come) return false; // asked too early: "No code actions available"
      const menu = (await page.locator(".action-widget .monaco-list-row").allInnerTexts()).join(" | ");
      console.log(`     ${menu}`);
      if (/Ignore ANE\d+/.test(menu)) return true;
      await page.keyboard.press("Escape");
      return false;
    });
    await shot("quick-fix");
    await page.keyboard.press("Escape");

    await page.locator('.codelens-decoration a:has-text("open report")').first().click();
    const report = page.frameLocator("iframe.webview.ready").frameLocator("#active-frame");
    await report.locator("h1").waitFor();
    check("report in a webview", (await report.locator("h1").innerText()).includes("detector_neck.py"));
    const policy = await report.locator('meta[http-equiv="Content-Security-Policy"]').first().getAttribute("content");
    check(`its policy: ${policy}`, policy.includes("default-src 'none'") && /script-src 'nonce-\w{32}'/.test(policy));
    const found = report.locator("article.finding:visible");
    check("it lists findings", (await found.count()) > 0);
    await report.locator("#filter").fill("nothing is called this");
    await until("its own script runs", async () => (await found.count()) === 0, 100);
    await report.locator("#filter").fill("");
    await until("and back", async () => (await found.count()) > 0, 100);
    await shot("report");
  }

  async function verify() {
    await open("small.py");
    await text("a lens offers it", "verify");
    await page.waitForSelector('.codelens-decoration a:text-is("verify")');
    const notification = page.locator('.notification-list-item:has-text("ane-lsp verify: small.py")');
    await page.locator('.codelens-decoration a:text-is("verify")').first().click();
    await notification.first().waitFor();
    check(`progress: ${(await notification.first().innerText()).replaceAll("\n", " ")}`, true);
    await until("progress with a step and a button to cancel", async () => {
      const told = (await notification.allInnerTexts()).join(" ");
      const button = await page.locator('.notification-list-item a:has-text("Cancel"), .notification-list-item .monaco-button:has-text("Cancel")').count();
      return button > 0 && /small\.py: \S/.test(told);
    }, 50);
    await shot("verify");
    await eventually("the outcome is told", () =>
      [...document.querySelectorAll(".notification-list-item")].some((each) => /converted: /.test(each.innerText)));
    await eventually("the progress is over", () =>
      ![...document.querySelectorAll(".notification-list-item")].some((each) => each.innerText.includes("Cancel")));
    await shot("verified");
  }

  await { trusted, untrusted, real, verify }[mode]();
});
