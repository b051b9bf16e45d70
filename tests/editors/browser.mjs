// A browser with one page, and checks that wait: the first that fails takes a picture and ends the run.
// PLAYWRIGHT: the folder that holds playwright-core. CHROMIUM: the browser.
import { createRequire } from "node:module";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

const require = createRequire(path.join(process.env.PLAYWRIGHT, "package.json"));
const { chromium } = require("playwright-core");
const PATIENCE = 120_000;

/** Run `drive`, which gets the page and what to check it with; ends the process. Pictures go to the folder `shots`. */
export async function run(shots, drive) {
  fs.mkdirSync(shots, { recursive: true });
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), "chromium-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM,
    headless: true,
    viewport: { width: 1280, height: 720 },
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking"],
    timeout: PATIENCE,
  });
  const page = context.pages()[0] ?? (await context.newPage());
  page.setDefaultTimeout(PATIENCE);
  const started = Date.now();
  const shot = (name) => page.screenshot({ path: path.join(shots, `${name}.png`), animations: "disabled" });
  const check = (what, value) => {
    console.log(`${value ? "ok  " : "FAIL"} ${what} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
    if (!value) throw new Error(what);
  };
  /** Wait until a function of the page says so. */
  const eventually = async (what, condition, argument) => {
    await page.waitForFunction(condition, argument, { timeout: PATIENCE, polling: 100 });
    check(what, true);
  };
  /** Do something again and again until a condition of this program holds: a menu that came too early, a missed hover. */
  const until = async (what, attempt, pause = 1500) => {
    const end = Date.now() + PATIENCE;
    while (!(await attempt())) {
      if (Date.now() > end) check(what, false);
      await page.waitForTimeout(pause);
    }
    check(what, true);
  };
  let code = 0;
  try {
    await drive({ page, shot, check, eventually, until });
  } catch (error) {
    console.log(`FAIL ${String(error).split("\n").slice(0, 4).join("\n")}`);
    console.log((await page.evaluate(() => document.body.innerText).catch(() => "")).slice(0, 3000));
    await shot("failed").catch(() => {});
    code = 1;
  }
  await context.close().catch(() => {});
  fs.rmSync(profile, { recursive: true, force: true });
  process.exit(code);
}
