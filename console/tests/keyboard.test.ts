import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { eventually } from "../../clients/typescript/testing/eventually.js";
import { Server } from "../../clients/typescript/testing/server.js";
import { thingsOf } from "./stage/things.js";
import { Visitor } from "./stage/visitor.js";

/** Goes on with Tab until what is focused is called so. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  for (let steps = 0; steps < 80; steps += 1) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      const { activeElement: element } = document;
      return element?.getAttribute("aria-label") ?? element?.textContent ?? "";
    });
    if (name.test(focused)) return;
  }
  throw new Error(`Tab does not lead to ${String(name)}`);
}

async function isAt(page: Page, title: string): Promise<void> {
  await page.getByRole("heading", { level: 1, name: title, exact: true }).waitFor();
}

test("the main tasks need no mouse", async () => {
  const server = await Server.forTest();
  const things = await thingsOf(server);
  const visitor = await Visitor.of(server.url);
  const page = await visitor.open("/");
  await isAt(page, "Overview");

  // A job by a word, and its end.
  await page.keyboard.press("/");
  await page.getByRole("combobox", { name: "Go to" }).waitFor();
  await page.keyboard.type("render");
  await page.getByRole("option", { name: things.jobId }).waitFor();
  await page.keyboard.press("Enter");
  await isAt(page, "render");
  expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("H1");
  await tabTo(page, /^Cancel job/);
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await page.getByText("Cancelling").waitFor();

  // A list, walked through.
  await page.keyboard.press("g");
  await page.keyboard.press("j");
  await isAt(page, "Jobs");
  await page.getByRole("link", { name: "render" }).waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("render");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await isAt(page, "index");

  // A graph: a node is selected, gets a child, and that is undone.
  await page.keyboard.press("Control+k");
  await page.keyboard.type(`session:${things.sessionId}`);
  await page.keyboard.press("Enter");
  await isAt(page, "Harbour");
  await tabTo(page, /^Quay, structure/);
  await page.keyboard.press("Enter");
  await tabTo(page, /^Name of the node$/);
  await page.keyboard.type("Bollard");
  await page.keyboard.press("Tab");
  await page.keyboard.type("detail");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Bollard, detail" }).waitFor();
  await page.getByRole("button", { name: "Undo" }).focus();
  await page.keyboard.press("Enter");
  await eventually(
    "it is undone",
    async () => (await page.getByRole("button", { name: "Bollard, detail" }).count()) === 0,
  );

  // The palette goes as it came.
  await page.keyboard.press("/");
  await page.getByRole("combobox", { name: "Go to" }).waitFor();
  // What has the name of a job that is known is that job, once, or else a session or a room.
  await page.keyboard.type(things.jobId);
  await page.getByRole("option", { name: "render" }).waitFor();
  expect(await page.getByRole("option").count()).toBe(3);
  await page.keyboard.press("Escape");
  await eventually("it is closed", async () => (await page.getByRole("combobox").count()) === 0);
});

test("focus is seen wherever it goes", async () => {
  const server = await Server.forTest();
  const visitor = await Visitor.of(server.url);
  const page = await visitor.open("/rooms/agents");
  await isAt(page, "agents");
  await page.getByRole("button", { name: "Publish" }).waitFor();
  const unseen: string[] = [];
  for (let steps = 0; steps < 30; steps += 1) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      const element = document.activeElement as HTMLElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      const isSeen = element === document.body || (outlineStyle !== "none" && outlineWidth !== "0px");
      return isSeen ? "" : element.outerHTML.slice(0, 120);
    });
    if (focused) unseen.push(focused);
  }
  expect(unseen).toEqual([]);
});
