// jupyterlab_e2e.mjs URL TOKEN SHOTS: a real JupyterLab with jupyterlab-lsp; run by test_jupyterlab.py.
import { run } from "./browser.mjs";

const [url, token, shots] = process.argv.slice(2);

await run(shots, async ({ page, shot, check, eventually, until }) => {
  const open = async (file) => {
    await page.goto(`${url}/lab/tree/${file}?token=${token}&reset`);
    await page.waitForSelector(".jp-LabShell .cm-content");
  };
  await open("model.py");
  await eventually("a mark in a file", () => document.querySelectorAll(".cm-lintRange-warning").length === 1);
  await until("message in a tooltip", async () => {
    const box = await page.locator(".cm-lintRange-warning").first().boundingBox();
    await page.mouse.move(box.x + 4, box.y + box.height / 2);
    await page.mouse.move(box.x + 8, box.y + box.height / 2);
    await page.waitForTimeout(1200);
    return (await page.evaluate(() => [...document.querySelectorAll(".cm-tooltip")].map((each) => each.innerText).join("\n"))).includes("runs on the CPU");
  });
  await shot("file");
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("value = = 3");
  await eventually("edits are seen, findings stay", () => document.querySelector(".cm-lintRange-error") && document.querySelectorAll(".cm-lintRange-warning").length === 1);

  await open("notebook.ipynb");
  await page.waitForSelector(".jp-Notebook .cm-content");
  await eventually("a mark in the second cell of a notebook", () => {
    const cells = [...document.querySelectorAll(".jp-Notebook .jp-CodeCell")];
    return cells.length === 2 && !cells[0].querySelector(".cm-lintRange-warning") && cells[1].querySelectorAll(".cm-lintRange-warning").length === 1;
  });
  await shot("notebook");
});
