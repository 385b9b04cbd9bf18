import type { Job } from "@roomcast/client";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { renderToString } from "react-dom/server";
import type { Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { browser, watchErrors } from "../../testing/browser.js";
import { clientOf } from "../../testing/client.js";
import { eventually } from "../../testing/eventually.js";
import { Server } from "../../testing/server.js";
import { Site } from "../../testing/site.js";
import { Worker, type Lease } from "../../testing/worker.js";
import { SECURED, token } from "../../testing/token.js";
import { App, type Given, type Turns } from "./page/app.js";

const PAGE = new URL("page", import.meta.url).pathname;
let built: string;

// In a test run React is built as for development: StrictMode mounts everything twice.
beforeAll(async () => {
  built = mkdtempSync(join(tmpdir(), "roomcast-page-"));
  await build({
    root: PAGE,
    configFile: false,
    logLevel: "error",
    esbuild: { jsx: "automatic" },
    build: { outDir: built, emptyOutDir: true, minify: false },
  });
});

afterAll(() => rmSync(built, { recursive: true, force: true }));

interface Stage {
  readonly server: Server;
  readonly page: Page;
  readonly lease: Lease;
  readonly rendered: string;
}

/** A page that a server rendered of a job at 10 %, open in a browser. */
async function stage(more?: (site: Site) => Promise<Partial<Given>>): Promise<Stage> {
  let html = "";
  const site = await Site.serve(built, (page) => page.replace("<!--rendered-->", html));
  const server = await Server.forTest({ env: { FRONTEND_URL: site.url } });
  const { job_id } = await clientOf(server).createJob({ kind: "render" });
  const lease = await new Worker(server.core).lease("render");
  await lease.progress(10, "reading");
  const job = (await (await fetch(`${server.url}/jobs/${job_id}`)).json()) as Job;
  const { job_id: next } = await clientOf(server).createJob({ kind: "index" });
  const given: Given = { edge: server.url, job, next, ...(await more?.(site)) };
  html = renderToString(<App {...given} />);
  const page = await (await browser()).newPage();
  watchErrors(page);
  await page.addInitScript((value) => Object.assign(globalThis, { given: value }), given);
  await page.goto(site.url);
  return { server, page, lease, rendered: html };
}

/** How many clients of the page wait for the network to come back. */
async function waiting(page: Page): Promise<number> {
  const tools = await page.context().newCDPSession(page);
  const { result } = await tools.send("Runtime.evaluate", { expression: "window" });
  const { listeners } = await tools.send("DOMDebugger.getEventListeners", { objectId: result.objectId ?? "" });
  return listeners.filter(({ type }) => type === "online").length;
}

async function text(page: Page, id: string): Promise<string> {
  return (await page.locator(`#${id}`).textContent()) ?? "";
}

test("what the server rendered is taken over, and goes on live", async () => {
  const { page, lease, rendered } = await stage();
  expect(rendered).toContain('aria-valuenow="10"');
  expect(rendered).toContain("reading");
  await eventually("it is live", async () => (await text(page, "phase")) === "live");
  await lease.progress(45, "writing");
  const bar = page.getByRole("progressbar", { name: "Render" });
  await eventually("it goes on", async () => (await bar.getAttribute("aria-valuenow")) === "45");
  expect(await bar.getAttribute("aria-valuetext")).toBe("45 %");
  await page.getByText("writing").waitFor();
  await lease.fail("oops", "it broke");
  await page.getByText("it broke").waitFor();
  await page.getByRole("status").getByText("Failed").waitFor();
});

test("mounting twice joins once and leaves no client behind, and a change renders once", async () => {
  const { server, page, lease } = await stage();
  await eventually("it is live", async () => (await text(page, "headless")).startsWith("live"));
  const joins = async () => {
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    return Number(/roomcast_edge_joins_total\{[^}]*\} (\d+)/.exec(metrics)?.[1]);
  };
  // The job, though two components show it, and the room.
  await eventually("both are joined", async () => (await joins()) >= 2);
  // A client was made by the render that StrictMode throws away, too.
  expect(await waiting(page)).toBe(1);
  const before = await page.evaluate(() => (globalThis as never as { renders: string[] }).renders);
  // What is written is no progress.
  await lease.write("a line\n");
  await lease.progress(70);
  await eventually("it goes on", async () => (await text(page, "headless")) === "live 70");
  const after = await page.evaluate(() => (globalThis as never as { renders: string[] }).renders);
  expect(after.slice(before.length)).toEqual(["live 70"]);
  expect(await joins()).toBe(2);
});

test("a connection that stays away is told of, and its return", async () => {
  const { server, page } = await stage();
  await eventually("it is live", async () => (await text(page, "phase")) === "live");
  expect(await text(page, "news")).toBe("");
  await server.kill();
  await eventually("it is lost", async () => (await text(page, "news")) === "lost");
  expect(await page.getByRole("progressbar", { name: "Render" }).getAttribute("aria-valuenow")).toBe("10");
  await server.start();
  await eventually("it is back", async () => (await text(page, "news")) === "lost restored");
});

test("a room's events reach a page once, through a server's death", async () => {
  const { server, page } = await stage();
  const publish = (n: number) => clientOf(server).room("agents").publish("agent_status_update", { n });
  await eventually("it is live", async () => (await text(page, "phase")) === "live");
  await eventually("it is in the room", async () => {
    const { connections } = (await (await fetch(`${server.url}/connections`)).json()) as {
      connections: { topics: string[] }[];
    };
    return connections.some(({ topics }) => topics.includes("room:agents"));
  });
  await publish(1);
  await eventually("the first", async () => (await text(page, "agents")) === "1: 1");
  await server.kill();
  await eventually("it is stale", async () => (await page.locator("#agents").getAttribute("data-stale")) === "true");
  await server.start();
  await publish(2);
  await publish(3);
  await eventually("what was missed", async () => (await text(page, "agents")) === "3: 1 2 3");
});

test("who goes on to another job sees nothing of the first, and may do with each what it always might", async () => {
  const { page, lease } = await stage();
  const turning = page.locator("#turn");
  await eventually("it is shown", async () => (await turning.textContent()) === "render 10");
  await lease.progress(45);
  await eventually("it goes on", async () => (await turning.textContent()) === "render 45");
  await turning.click();
  await eventually("the other is shown", async () => (await turning.textContent()) === "index 0");
  const turns = await page.evaluate(() => {
    const { shown, cancels } = (globalThis as never as { turns: Turns }).turns;
    return { shown, cancels: cancels.size };
  });
  expect(turns.shown.filter(([asked, shown]) => shown !== undefined && shown !== asked)).toEqual([]);
  expect(turns.cancels).toBe(2);
});

test("who does not know yet what to look at looks at nothing, and at a job once it is known", async () => {
  const { page } = await stage();
  await eventually("the rest is live", async () => (await text(page, "phase")) === "live");
  const later = page.locator("#later");
  expect(await later.textContent()).toBe("idle idle idle  0");
  await later.click();
  await eventually("it is shown", async () => (await later.textContent()) === "idle idle live render 10");
});

test("whoever is below a provider goes on with the client that it is given", async () => {
  const { page } = await stage(async () => ({ isChanging: true }));
  await eventually("the first is there", async () => (await text(page, "whose")) === "first live");
  await page.locator("#change").click();
  await eventually("the second is there", async () => (await text(page, "whose")) === "second live");
  // That of the rest of the page, and the second: the first is closed once nobody looks through it.
  await eventually("the first is gone", async () => (await waiting(page)) === 2);
});

test.each([
  ["one that is over", token("ana", -3600)],
  ["none", null],
])("a token that comes after %s is taken, and a connection's end is told once, as is its return", async (_, first) => {
  const { page } = await stage(async (site) => {
    const { env } = SECURED;
    const server = await Server.forTest({ env: { ...env, FRONTEND_URL: site.url } });
    return { secured: { edge: server.url, tokens: [first, token("ana", 3600)] } };
  });
  const jobs = page.locator("#jobs");
  await eventually("it is refused", async () => (await jobs.textContent()) === "closed failed");
  await jobs.click();
  await page.locator("#renew").click();
  await eventually("it is let in", async () => {
    await jobs.click();
    return (await jobs.textContent())?.startsWith("live");
  });
  // The try before was refused as well, and not told again.
  expect(await jobs.textContent()).toBe("live failed restored");
});
