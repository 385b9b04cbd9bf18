import { RoomcastClient } from "@roomcast/client";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../clients/typescript/testing/eventually.js";
import { Server } from "../../clients/typescript/testing/server.js";
import { Worker } from "../../clients/typescript/testing/worker.js";
import { Visitor } from "./stage/visitor.js";

/** Between ten seconds and two, as a machine under load takes them. */
const SELDOM_MS = 8000;

test("the audit, a project's and a user's topic come over the socket, and nothing asks for them again", async () => {
  const server = await Server.forTest();
  const client = new RoomcastClient({ url: server.url });
  onTestFinished(() => client.close());
  const project = await client.request<{ id: string }>("/projects", { method: "POST", body: { name: "Plans" } });
  const visitor = await Visitor.of(server.url);
  const topics = ["audit:log", `project:${project.id}`, "user:ben.2ed.40example"];
  const pages = await Promise.all(topics.map((topic) => visitor.open(`/topics/${encodeURIComponent(topic)}`)));
  const audit = await visitor.open("/audit");
  const asked: string[] = [];
  for (const page of [...pages, audit]) {
    await page.getByText(/^Nothing (yet|was done yet)$/).waitFor();
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  }
  const { job_id } = await client.createJob({ kind: "seen", owner: "ben.d@example", project_id: project.id });
  await client.job(job_id).cancel();
  const told = ["audit.job.cancel", "job_status", "job_status"];
  for (const [index, page] of pages.entries()) {
    await page
      .getByRole("list", { name: "events of the topic" })
      .getByText(told[index] ?? "")
      .first()
      .waitFor();
  }
  await audit.getByRole("table").getByText(job_id).waitFor();
  expect(asked.filter((path) => path.endsWith("/events"))).toEqual([]);
  // Once when the topic was live, once for what it told.
  expect(asked.filter((path) => path.endsWith("/audit")).length).toBeLessThanOrEqual(2);
});

test("a page goes on where its topic does not come", async () => {
  const server = await Server.forTest();
  const client = new RoomcastClient({ url: server.url });
  onTestFinished(() => client.close());
  const visitor = await Visitor.of(server.url);
  // A socket that opens and is silent.
  await visitor.context.routeWebSocket(/\/socket\.io\//, () => {});
  const audit = await visitor.open("/audit");
  await audit.getByText("Nothing was done yet").waitFor();
  const { job_id } = await client.createJob({ kind: "seen", owner: "ben" });
  await client.job(job_id).cancel();
  await audit.getByRole("table").getByText(job_id).waitFor();
});

test("whoever opens a page is among those who watch it before they are asked for again", async () => {
  const server = await Server.forTest();
  const client = new RoomcastClient({ url: server.url });
  onTestFinished(() => client.close());
  const { job_id } = await client.createJob({ kind: "seen" });
  const visitor = await Visitor.of(server.url);
  // The first answer comes from before the page follows anything.
  let isFirst = true;
  await visitor.context.route(/\/connections\?/, async (route) => {
    if (!isFirst) return route.continue();
    isFirst = false;
    await route.fulfill({ json: { connections: [], edge_id: "here", truncated: false } });
  });
  const page = await visitor.open(`/jobs/${job_id}`);
  await page.getByText("Live", { exact: true }).first().waitFor();
  await page.getByRole("region", { name: "Watching" }).getByText("dev").waitFor({ timeout: 8000 });
});

test("what a session's jobs use is shown with it, and goes on", async () => {
  const server = await Server.forTest();
  const client = new RoomcastClient({ url: server.url });
  onTestFinished(() => client.close());
  const made = <T>(path: string, body: object) => client.request<T>(path, { method: "POST", body });
  const project = await made<{ id: string }>("/projects", { name: "Plans" });
  const { session_id } = await made<{ session_id: string }>(`/projects/${project.id}/sessions`, { name: "Harbour" });
  await made("/jobs", { kind: "ask", project_id: project.id, session_id });
  const lease = await new Worker(server.core).lease("ask");
  await lease.report({ usage: { input_tokens: 1200, output_tokens: 34, total_tokens: 1234, model: "small" } });
  const visitor = await Visitor.of(server.url);
  const page = await visitor.open(`/sessions/${session_id}`);
  const usage = page.getByRole("region", { name: "Usage" });
  await usage.getByText("1,234").waitFor();
  await lease.report({ usage: { input_tokens: 1300, output_tokens: 34, total_tokens: 1334, model: "small" } });
  await usage.getByText("1,334").waitFor();
});

test("figures are asked for often where they are shown, and seldom elsewhere", async () => {
  const server = await Server.forTest();
  const visitor = await Visitor.of(server.url);
  const asked: number[] = [];
  await visitor.context.route(/\/metrics$/, (route) => {
    asked.push(Date.now());
    return route.continue();
  });
  const page = await visitor.open("/rooms");
  const between = async (one: number) => {
    await eventually("it is asked again", () => asked.length > one + 1);
    return (asked[one + 1] ?? 0) - (asked[one] ?? 0);
  };
  expect(await between(0)).toBeGreaterThan(SELDOM_MS);
  const before = asked.length;
  await page.getByRole("link", { name: "Overview" }).click();
  expect(await between(before)).toBeLessThan(SELDOM_MS);
});
