import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { expectAccessible } from "../../testing/accessibility.js";
import { browser, watchErrors } from "../../testing/browser.js";
import { eventually } from "../../testing/eventually.js";
import { Server } from "../../testing/server.js";
import { Site } from "../../testing/site.js";

const EXAMPLE = new URL("../../examples/shared-graph/dist", import.meta.url).pathname;

/** The nodes with their places, and how many lines there are. */
async function drawn(page: Page): Promise<string> {
  return page.evaluate(() => {
    const nodes = [...document.querySelectorAll("svg g")];
    const placed = nodes.map((node) => `${node.getAttribute("aria-label")} ${node.getAttribute("transform")}`);
    return [...placed.sort(), document.querySelectorAll("svg line").length].join("; ");
  });
}

async function add(page: Page, name: string): Promise<void> {
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: /^Add/ }).click();
  await page.getByRole("button", { name, exact: true }).waitFor();
}

test("two pages edit one graph at once, and see the same", async () => {
  const site = await Site.serve(EXAMPLE);
  const server = await Server.forTest({ env: { FRONTEND_URL: site.url } });
  const chromium = await browser();
  const [ana, ben] = [await chromium.newPage(), await chromium.newPage()];
  for (const page of [ana, ben]) {
    watchErrors(page);
    await page.goto(`${site.url}/?edge=${server.url}`);
    await page.getByRole("group", { name: "Graph" }).waitFor();
  }
  await ana.getByText("1 here").waitFor();
  await Promise.all([add(ana, "alpha"), add(ben, "beta")]);
  await ben.getByRole("button", { name: "alpha" }).press("Enter");
  await add(ben, "gamma");
  await ana.getByRole("button", { name: "gamma" }).press("ArrowLeft");
  const same = async () => {
    const [one, other] = [await drawn(ana), await drawn(ben)];
    return one === other && one.split("; ").length === 4 && one.endsWith("; 1") && one;
  };
  const before = await eventually("both show the same", same);
  await expectAccessible(ana);

  // A node with others below it is not deleted: shown at once, and taken back.
  await ana.getByRole("button", { name: "alpha" }).press("Delete");
  await ana.getByRole("alert").waitFor();
  expect(await eventually("it is back", same)).toBe(before);

  await server.restart();
  await ana.getByRole("button", { name: "beta" }).press("Delete");
  await eventually("beta is gone", async () => !(await drawn(ben)).includes("beta"));
  await ben.getByRole("button", { name: "Undo" }).click();
  await eventually("and back", async () => (await drawn(ana)) === before && (await drawn(ben)) === before);
});
