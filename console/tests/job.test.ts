import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { eventually } from "../../clients/typescript/testing/eventually.js";
import { Worker } from "../../clients/typescript/testing/worker.js";
import { RoomcastClient } from "@roomcast/client";
import { loud } from "./stage/loud.js";
import { Pair } from "./stage/pair.js";
import { Visitor } from "./stage/visitor.js";

/** What a page shows of its job. */
async function shown(
  page: Page,
): Promise<{ readonly bar: string | null; readonly output: string | null; readonly events: number }> {
  const bar = page.getByRole("region", { name: "Progress" }).getByRole("progressbar");
  const output = page.getByRole("log", { name: "Output stdout" });
  return {
    bar: (await bar.count()) > 0 ? await bar.getAttribute("aria-valuenow") : null,
    output: (await output.count()) > 0 ? await output.textContent() : null,
    events: await page.getByRole("list", { name: "events of the job" }).getByRole("listitem").count(),
  };
}

async function shows(page: Page, bar: string, output: string): Promise<void> {
  let last: unknown;
  await eventually(`the page shows ${bar} %`, async () => {
    const now = await shown(page);
    last = now;
    return now.bar === bar && now.output === output;
  }).catch((error: Error) => {
    throw new Error(`${error.message}; it shows ${JSON.stringify(last)} and not ${JSON.stringify(output)}`);
  });
}

/** Has the page sleep as a browser puts tabs to sleep: nothing of it runs until it is woken. */
async function asleep(page: Page): Promise<() => Promise<void>> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
  return async () => {
    await devtools.send("Page.setWebLifecycleState", { state: "active" });
    await devtools.detach();
  };
}

test("a job is exactly its log through reload, offline, sleep, a second tab, and the deaths of edge and core", async () => {
  const pair = await Pair.start();
  const client = new RoomcastClient({ url: pair.url });
  const { job_id } = await client.createJob({ kind: "demo" });
  const lease = await new Worker(pair.core).lease("demo");
  let written = "";
  const advance = async (percent: number, text: string) => {
    await lease.progress(percent, `at ${percent}`);
    await lease.write(text);
    written += text;
  };
  const visitor = await Visitor.of(pair.url);
  const page = await visitor.open(`/jobs/${job_id}`);
  await advance(10, "one\n");
  await shows(page, "10", written);

  await page.reload();
  await shows(page, "10", written);
  await advance(20, "two\n");
  await shows(page, "20", written);

  await visitor.context.setOffline(true);
  await page.getByText("This device is offline").waitFor();
  await advance(30, "while offline\n");
  await visitor.context.setOffline(false);
  await shows(page, "30", written);
  await eventually("the notice goes", async () => (await page.getByText("This device is offline").count()) === 0);

  const wake = await asleep(page);
  await advance(35, "while the tab slept\n");
  await pair.dropSockets();
  await wake();
  await shows(page, "35", written);

  const tab = await visitor.open(`/jobs/${job_id}`);
  await shows(tab, "35", written);

  await pair.killEdge();
  await page.getByText("The server cannot be reached").waitFor();
  await advance(40, "while the edge was away\n");
  await pair.startEdge();
  await shows(page, "40", written);
  await shows(tab, "40", written);

  await pair.killCore();
  await pair.startCore();
  await eventually("the worker is back", () =>
    lease.progress(50, "at 50").then(
      () => true,
      () => false,
    ),
  );
  await advance(60, "after the core's death\n");
  await shows(page, "60", written);
  await shows(tab, "60", written);

  await lease.complete({ pages: 4 });
  await shows(page, "100", written);
  await shows(tab, "100", written);
  await page.getByLabel("Result").getByText('"pages": 4').waitFor();
  expect(await (await fetch(`${pair.url}/jobs/${job_id}/output`)).text()).toBe(written);
  const { events } = await client.request<{ events: unknown[] }>(`/jobs/${job_id}/events`, { query: { limit: 1000 } });
  for (const one of [page, tab])
    await eventually("every event is listed once", async () => (await shown(one)).events === events.length);
  client.close();
});

test("a job that wrote more than is read at once shows how it ended, and its log in parts", async () => {
  const { url, jobId, lease } = await loud(20);
  await lease.complete({ lines: "many" });

  const visitor = await Visitor.of(url);
  const page = await visitor.open(`/jobs/${jobId}`);
  await page.getByRole("region", { name: "Timeline" }).getByText("Completed").waitFor();
  const events = page.getByRole("region", { name: "Events" });
  await events.getByText("newer ones not read yet").waitFor();
  expect(await events.getByText("status completed").count()).toBe(0);
  await events.getByRole("button", { name: "Read on" }).click();
  await events.getByText("status completed").waitFor();
  expect(await events.getByRole("button", { name: "Read on" }).count()).toBe(0);
  await page.getByText(`roomcast job watch ${jobId}`).waitFor();
});
