import type { Job, TopicEvent } from "@roomcast/client";
import { expect, onTestFinished, test, vi } from "vitest";
import { clientOf } from "../../testing/client.js";
import { eventually } from "../../testing/eventually.js";
import { Server } from "../../testing/server.js";
import { Worker } from "../../testing/worker.js";

/** Of these, events say nothing: who works at it, and how many could. */
function comparable({ worker_id: _, workers: __, input: ___, ...job }: Job): object {
  return job;
}

/** What the events added up to is what the server answers now. */
async function expectExact(server: Server, shown: Job | undefined): Promise<void> {
  const answer = await fetch(`${server.url}/api/v1/jobs/${shown?.job_id}`);
  expect(comparable(shown as Job)).toEqual(comparable((await answer.json()) as Job));
}

test("a job is watched from its creation to its end, and what is shown is exactly the job", async () => {
  const server = await Server.forTest();
  const client = clientOf(server);
  const worker = new Worker(server.core);
  const { job_id } = await client.createJob({ kind: "render", labels: { for: "ana" } });
  const job = client.job(job_id);
  const bars: number[] = [];
  const stop = job.subscribe(() => bars.push(job.get().value?.progress ?? -1));
  await job.until((value) => value.status === "queued" && value.labels["for"] === "ana");

  const lease = await worker.lease("render");
  await lease.report({ progress: { percent: 20, message: "reading", stage: "load", counters: { rows: 3 } } });
  await lease.write("one\n");
  await lease.report({ usage: { input_tokens: 7, total_tokens: 7, model: "m" } });
  await job.until((value) => value.usage?.total_tokens === 7);
  expect(job.get()).toMatchObject({ phase: "live", value: { message: "reading", stage: "load" } });
  await expectExact(server, job.get().value);

  await lease.complete({ pages: 4 });
  const ended = await job.ended();
  expect(ended).toMatchObject({ status: "completed", progress: 100, result: { pages: 4 } });
  await expectExact(server, ended);
  expect(bars).toEqual([...bars].sort((a, b) => a - b));
  stop();
});

test("what is known of a job is shown though somebody looks who knew nothing of it", async () => {
  const server = await Server.forTest();
  const client = clientOf(server);
  const initial = await client.createJob({ kind: "render" });
  const stop = client.job(initial.job_id).subscribe(() => {});
  const known = client.job(initial.job_id, initial);
  expect(known.get().value).toBe(initial);
  await eventually("it goes on live", () => known.get().phase === "live");
  stop();
});

test("a second attempt begins anew", async () => {
  const server = await Server.forTest();
  const client = clientOf(server);
  const worker = new Worker(server.core);
  const retry = { max_attempts: 2, initial_backoff_ms: 1 };
  const { job_id } = await client.createJob({ kind: "flaky", retry });
  const job = client.job(job_id);
  const stop = job.subscribe(() => {});
  const first = await worker.lease("flaky");
  await first.progress(60, "almost");
  await first.fail("oops", "it broke", true);
  await job.until((value) => value.error_code === "oops");
  const second = await worker.lease("flaky");
  await second.progress(10);
  await job.until((value) => value.attempt === 2 && value.progress === 10);
  expect(job.get().value).toMatchObject({ message: null, error: null, output_bytes: {} });
  await expectExact(server, job.get().value);
  await second.complete();
  await job.ended();
  stop();
});

test("all who look at a job share one place in it, which is left when none looks", async () => {
  const server = await Server.forTest();
  const client = clientOf(server);
  const { job_id } = await client.createJob({ kind: "render" });
  const stops = [client.job(job_id), client.job(job_id)].map((job) => job.subscribe(() => {}));
  const job = client.job(job_id);
  await job.until(() => true);
  const topics = async () => {
    const { connections } = (await (await fetch(`${server.url}/connections`)).json()) as {
      connections: { topics: string[] }[];
    };
    return connections.map((connection) => connection.topics);
  };
  await eventually("it was joined once", async () => `${await topics()}` === `job:${job_id}`);
  const other = client.jobs().subscribe(() => {});
  for (const stop of stops) stop();
  await eventually("the job was left", async () => (await topics()).flat().every((name) => name.startsWith("user:")));
  other();
  await eventually("the connection ends with the last topic", async () => (await topics()).length === 0);
  expect(client.connection.get().phase).toBe("idle");
  expect(job.get()).toEqual({ phase: "idle", value: undefined });
});

test("a job that is not there is closed with its code, and a cancelled one ends", async () => {
  const server = await Server.forTest();
  const client = clientOf(server);
  await expect(client.job("nobody").ended()).rejects.toMatchObject({ code: "job_not_found" });
  const { job_id } = await client.createJob({ kind: "render" });
  const job = client.job(job_id);
  await job.cancel("enough");
  await expect(job.ended()).resolves.toMatchObject({ status: "cancelled" });
  const said = expect.stringMatching(/./) as string;
  await expect(client.createJob({ kind: "no kind" })).rejects.toMatchObject({
    code: "invalid_argument",
    retryable: false,
    fields: { kind: said },
    mend: said,
  });
});

test("one who throws spoils nothing for the others", async () => {
  const server = await Server.forTest();
  const client = clientOf(server);
  const reported: unknown[] = [];
  vi.stubGlobal("reportError", (error: unknown) => reported.push(error));
  onTestFinished(() => void vi.unstubAllGlobals());
  const { job_id } = await client.createJob({ kind: "render" });
  const job = client.job(job_id);
  const broken = new Error("a listener of the application's");
  const fail = () => {
    throw broken;
  };
  const told: string[] = [];
  const stops = [job.on(fail), job.on(({ data }) => told.push(data.event_id)), job.subscribe(fail)];
  await eventually("it is live", () => job.get().phase === "live");
  await job.cancel();
  await job.ended();
  expect(told).not.toEqual([]);
  expect(new Set(reported)).toEqual(new Set([broken]));
  for (const stop of stops) stop();
});

test("who waits is told when the client is closed", async () => {
  const server = await Server.forTest();
  const client = clientOf(server);
  const { job_id } = await client.createJob({ kind: "render" });
  const job = client.job(job_id);
  const waiting = job.ended();
  await eventually("it is live", () => job.get().phase === "live");
  client.close();
  await expect(waiting).rejects.toMatchObject({ code: "client_closed" });
  expect(client.connection.get()).toMatchObject({ phase: "closed", error: { code: "client_closed" } });
  await expect(client.job("another").ended()).rejects.toMatchObject({ code: "client_closed" });
});

test("every event is told once and in order", async () => {
  const server = await Server.forTest();
  const client = clientOf(server);
  const worker = new Worker(server.core);
  const { job_id } = await client.createJob({ kind: "render" });
  const job = client.job(job_id);
  const events: TopicEvent[] = [];
  const stop = job.on((event) => events.push(event));
  await job.until(() => true);
  const lease = await worker.lease("render");
  for (let line = 0; line < 30; line += 1) await lease.write(`line ${line}\n`);
  await lease.complete();
  await job.ended();
  const answer = await fetch(`${server.url}/api/v1/jobs/${job_id}/events`);
  const logged = (await answer.json()) as { events: { event_id: string }[] };
  const told = events.map((event) => event.data.event_id);
  expect(told).toEqual(logged.events.map((event) => event.event_id).slice(-told.length));
  stop();
});
