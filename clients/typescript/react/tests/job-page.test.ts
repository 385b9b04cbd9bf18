import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { expectAccessible } from "../../testing/accessibility.js";
import { browser, watchErrors } from "../../testing/browser.js";
import { eventually } from "../../testing/eventually.js";
import { Server } from "../../testing/server.js";
import { Site } from "../../testing/site.js";
import { Worker } from "../../testing/worker.js";

const EXAMPLE = new URL("../../examples/job-page/dist", import.meta.url).pathname;

/** What a page shows of its job. */
async function shown(page: Page): Promise<{ bar: string | null; output: string | null }> {
  const bar = await page.getByRole("progressbar").getAttribute("aria-valuenow");
  const output = page.getByLabel("Output");
  return { bar, output: (await output.count()) > 0 ? await output.textContent() : null };
}

async function shows(page: Page, bar: string, output: string): Promise<void> {
  await eventually(`the page shows ${bar} %`, async () => {
    const now = await shown(page);
    return now.bar === bar && now.output === output;
  });
}

test("a job on a page is exactly its log through reload, offline, a second tab and a server's death", async () => {
  const site = await Site.serve(EXAMPLE);
  const server = await Server.forTest({ env: { FRONTEND_URL: site.url } });
  const worker = new Worker(server.core);
  const context = await (await browser()).newContext();
  const page = await context.newPage();
  watchErrors(page);
  await page.goto(`${site.url}/?edge=${server.url}`);
  await page.getByRole("button", { name: "Start" }).click();

  const lease = await worker.lease("demo");
  let written = "";
  const advance = async (percent: number, text: string) => {
    await lease.progress(percent);
    await lease.write(text);
    written += text;
  };
  await advance(10, "one\n");
  await shows(page, "10", written);

  await page.reload();
  await shows(page, "10", written);
  await advance(20, "two\n");
  await shows(page, "20", written);
  await expectAccessible(page);

  await context.setOffline(true);
  await page.getByText("offline").waitFor();
  await advance(30, "while offline\n");
  await context.setOffline(false);
  await shows(page, "30", written);

  const tab = await context.newPage();
  watchErrors(tab);
  await tab.goto(page.url());
  await shows(tab, "30", written);

  await server.kill();
  await page.getByText("reconnecting").waitFor();
  await server.start();
  await eventually("the worker is back", () => lease.progress(40).then(() => true, () => false));
  await advance(50, "after its death\n");
  await shows(page, "50", written);
  await shows(tab, "50", written);

  await lease.complete({ pages: 4 });
  await shows(page, "100", written);
  await page.getByText("Done").waitFor();
  await expectAccessible(page);
  expect(await page.getByLabel("Result").textContent()).toContain('"pages": 4');
  const answer = await fetch(`${server.url}/jobs/${new URL(page.url()).hash.slice(1)}/output`);
  expect(await answer.text()).toBe(written);
});

test("a page can cancel its job, and text from elsewhere stays text", async () => {
  const site = await Site.serve(EXAMPLE);
  const server = await Server.forTest({ env: { FRONTEND_URL: site.url } });
  const worker = new Worker(server.core);
  const page = await (await browser()).newPage();
  watchErrors(page);
  await page.goto(`${site.url}/?edge=${server.url}`);
  await page.getByRole("button", { name: "Start" }).click();
  const lease = await worker.lease("demo");
  const hostile = "<img src=x onerror='document.title=1'>";
  await lease.progress(5, hostile);
  await lease.write(hostile);
  await eventually("it is shown", async () => (await shown(page)).output === hostile);
  await page.getByText(hostile).first().waitFor();
  expect(await page.title()).toBe("Jobs");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByText("Cancelling").waitFor();
  await lease.report({ cancelled: {} });
  await page.getByRole("article").getByText("Cancelled", { exact: true }).waitFor();
});
