import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { expectAccessible } from "../../clients/typescript/testing/accessibility.js";
import { Server } from "../../clients/typescript/testing/server.js";
import { thingsOf, type Things } from "./stage/things.js";
import { Visitor } from "./stage/visitor.js";

const DESK = { width: 1280, height: 800 };
/** Fifteen pages, each looked at four times over. */
const ALL_PAGES_MS = 300_000;
const PHONE = { width: 390, height: 844 };

/** Every page, and what it shows of what there is. */
function pagesOf({
  jobId,
  failedId,
  sessionId,
}: Things): readonly (readonly [path: string, title: string, shown: string])[] {
  return [
    ["/", "Overview", "Jobs under way"],
    ["/jobs", "Jobs", jobId],
    ["/jobs?status=failed", "Jobs", "a segment has a wrong checksum"],
    [`/jobs/${jobId}`, "render", "page 1 done"],
    [`/jobs/${failedId}`, "index", "index.corrupt"],
    ["/topics?kind=room", "Topics", "room:agents"],
    ["/topics/room%3Aagents", "room:agents", "agent_status_update"],
    ["/sessions", "Sessions", "Harbour"],
    [`/sessions/${sessionId}`, "Harbour", "Quay"],
    ["/rooms", "Rooms", "workflows"],
    ["/rooms/agents", "agents", "agent_status_update"],
    ["/connections", "Connections", "Disconnect"],
    [`/explain?user=ben&topic=job%3A${jobId}`, "Why can this user not see this?", "may not see"],
    ["/audit", "Audit", "Audit"],
    ["/nowhere", "No such page", "To the overview"],
  ];
}

async function shows(page: Page, title: string, shown: string): Promise<void> {
  await page.getByRole("heading", { level: 1, name: title, exact: true }).waitFor();
  await page.getByText(shown).filter({ visible: true }).first().waitFor();
}

test("every page opens by its address, for everybody's eyes, on a desk and on a phone", async () => {
  const server = await Server.forTest();
  const things = await thingsOf(server);
  const visitor = await Visitor.of(server.url);
  const page = await visitor.open("/");
  for (const [path, title, shown] of pagesOf(things)) {
    await visitor.go(page, path);
    await page.setViewportSize(DESK);
    await shows(page, title, shown);
    await expectAccessible(page);
    await page.setViewportSize(PHONE);
    await expectAccessible(page);
    const { scroll, width } = await page.evaluate(() => ({
      scroll: document.documentElement.scrollWidth,
      width: innerWidth,
    }));
    expect(scroll, `${path} is wider than a phone`).toBeLessThanOrEqual(width);
  }
}, ALL_PAGES_MS);

test("what is not there is said, and the way back stays", async () => {
  const server = await Server.forTest();
  const visitor = await Visitor.of(server.url);
  const page = await visitor.open("/jobs/no-such-job");
  await page.getByRole("alert").getByText("job_not_found").waitFor();
  await page.getByRole("alert").getByText("Check the id and who owns the job").waitFor();
  await page.getByRole("link", { name: "Overview" }).click();
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  expect(new URL(page.url()).pathname).toBe("/console/");
  await page.goBack();
  await page.getByRole("alert").getByText("job_not_found").waitFor();
});

test("an empty server says what to do first", async () => {
  const server = await Server.forTest();
  const visitor = await Visitor.of(server.url);
  const page = await visitor.open("/");
  for (const [path, said] of [
    ["/jobs", "No jobs yet"],
    ["/sessions", "No sessions yet"],
    ["/topics?q=room:nothing", "No such topics"],
  ] as const) {
    await visitor.go(page, path);
    await page.getByText(said).waitFor();
  }
});

test("the theme is the system's until somebody chooses, and stays chosen", async () => {
  const server = await Server.forTest();
  const visitor = await Visitor.of(server.url);
  const page = await visitor.open("/jobs");
  const paper = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  await page.emulateMedia({ colorScheme: "light" });
  const light = await paper();
  await page.emulateMedia({ colorScheme: "dark" });
  const dark = await paper();
  expect(dark).not.toBe(light);
  await page.getByRole("button", { name: "System theme" }).click();
  expect(await paper()).toBe(light);
  await page.reload();
  await page.getByRole("button", { name: "Light theme" }).waitFor();
  expect(await paper()).toBe(light);
});
