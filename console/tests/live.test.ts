import { RoomcastClient } from "@roomcast/client";
import { expect, onTestFinished, test } from "vitest";
import { Server } from "../../clients/typescript/testing/server.js";
import { Visitor } from "./stage/visitor.js";

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
