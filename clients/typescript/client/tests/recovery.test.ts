import type { TopicEvent } from "@roomcast/client";
import { expect, test } from "vitest";
import { clientOf } from "../../testing/client.js";
import { eventually } from "../../testing/eventually.js";
import { Server } from "../../testing/server.js";
import { Worker, type Lease } from "../../testing/worker.js";

/** Reports until the server has it, through any outage. */
async function through(report: () => Promise<void>): Promise<void> {
  await eventually("the report is taken", () => report().then(() => true, () => false));
}

/** The ids of all that happened to a job. */
async function logged(server: Server, id: string): Promise<string[]> {
  const answer = await fetch(`${server.url}/api/v1/jobs/${id}/events`);
  return ((await answer.json()) as { events: TopicEvent["data"][] }).events.map((event) => event.event_id);
}

test("nothing is lost or doubled while the server is killed and started again under the client", async () => {
  const server = await Server.forTest();
  const client = clientOf(server);
  const worker = new Worker(server.core);
  const { job_id, cursor } = await client.createJob({ kind: "render" });
  const job = client.job(job_id);
  const told: string[] = [];
  const phases = new Set<string>();
  const stops = [job.on((event) => told.push(event.data.event_id))];
  stops.push(job.subscribe(() => phases.add(job.get().phase)));
  const before = (await logged(server, job_id)).length;
  expect((await job.until(() => true)).cursor).toBe(cursor);

  const lease: Lease = await worker.lease("render");
  let written = "";
  for (let round = 0; round < 3; round += 1) {
    for (let line = 0; line < 5; line += 1) {
      const text = `round ${round}, line ${line}\n`;
      written += text;
      await lease.write(text);
    }
    await server.restart();
    await through(() => lease.progress(10 * (round + 1)));
    await job.until((value) => value.progress === 10 * (round + 1));
  }
  await lease.complete();
  await job.ended();
  const all = (await logged(server, job_id)).slice(before);
  await eventually("everything was told", () => told.length >= all.length);
  expect(told).toEqual(all);
  expect(job.get().value?.output_bytes).toEqual({ stdout: written.length });
  expect(phases).toContain("stale");
  for (const stop of stops) stop();
});

test("a connection that hangs up at every turn tells the same", async () => {
  const server = await Server.forTest();
  const client = clientOf(server);
  const worker = new Worker(server.core);
  const { job_id } = await client.createJob({ kind: "render" });
  const job = client.job(job_id);
  const told: string[] = [];
  const stop = job.on((event) => told.push(event.data.event_id));
  await eventually("it is live", () => job.get().phase === "live");
  const before = (await logged(server, job_id)).length;
  const lease = await worker.lease("render");
  for (let turn = 0; turn < 10; turn += 1) {
    await lease.write(`turn ${turn}\n`);
    await hangUp(server);
    await lease.write(`away ${turn}\n`);
  }
  await lease.complete();
  await job.ended();
  const all = (await logged(server, job_id)).slice(before);
  await eventually("everything was told", () => told.length >= all.length);
  expect(told).toEqual(all);
  stop();
});

/** Ends every connection, as an operator does. */
async function hangUp(server: Server): Promise<void> {
  const answer = await fetch(`${server.url}/connections`);
  const { connections } = (await answer.json()) as { connections: { id: string }[] };
  for (const { id } of connections) {
    await fetch(`${server.url}/connections/${id}/disconnect`, { method: "POST" });
  }
}

test("a client that begins while nobody answers comes in when somebody does", async () => {
  const server = await Server.forTest();
  const { job_id } = await clientOf(server).createJob({ kind: "render" });
  await server.kill();
  const client = clientOf(server);
  const job = client.job(job_id);
  const stop = job.subscribe(() => {});
  await eventually("it met nobody", () => client.connection.get().error?.code === "unreachable");
  expect(job.get().phase).toBe("connecting");
  await server.start();
  await eventually("it is live", () => job.get().phase === "live");
  expect(client.connection.get()).toMatchObject({ phase: "live", userId: "dev" });
  stop();
});
