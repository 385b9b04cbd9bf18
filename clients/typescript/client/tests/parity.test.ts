import { io } from "socket.io-client";
import { expect, onTestFinished, test } from "vitest";
import { clientOf } from "../../testing/client.js";
import { eventually } from "../../testing/eventually.js";
import { Server } from "../../testing/server.js";
import { Worker } from "../../testing/worker.js";

test("a plain socket.io-client is told the very same events", async () => {
  const server = await Server.forTest();
  const client = clientOf(server);
  const worker = new Worker(server.core);
  const { job_id } = await client.createJob({ kind: "render" });

  const plain: unknown[] = [];
  const socket = io(server.url, { forceNew: true });
  onTestFinished(() => void socket.disconnect());
  socket.onAny((name: string, data: { topic?: string }) => {
    if (data.topic === `job:${job_id}`) plain.push({ name, data });
  });
  const answer = await socket.emitWithAck("join_job", { job_id });
  expect(answer).toMatchObject({ ok: true, topic: `job:${job_id}` });

  const ours: unknown[] = [];
  const job = client.job(job_id);
  const stop = job.on((event) => ours.push(event));
  await eventually("it is live", () => job.get().phase === "live");
  // A plain client is told the state as an event; ours has it already.
  plain.length = 0;
  const lease = await worker.lease("render");
  await lease.progress(40, "halfway");
  await lease.write("bytes ");
  await lease.write(Buffer.from([0xff, 0xfe]));
  await lease.complete({ pages: 4 });
  await job.ended();
  await eventually("both have all", () => plain.length === ours.length);
  expect(ours).toEqual(plain);
  expect(ours.length).toBeGreaterThan(4);
  stop();
});

test("a plain client may go on after whatever cursor it is given, and learns which topic is not its", async () => {
  const server = await Server.forTest();
  const client = clientOf(server);
  for (const kind of ["one", "two", "three"]) await client.createJob({ kind });
  const socket = io(server.url, { forceNew: true, auth: { dashboard: false, cursors: { "job:nowhere": "" } } });
  onTestFinished(() => void socket.disconnect());
  const [lines, errors]: [{ cursor?: string }[], object[]] = [[], []];
  socket.on("job_status", (line) => lines.push(line));
  socket.on("error", (error) => errors.push(error));
  const { cursor } = await socket.emitWithAck("subscribe_jobs", {});
  await eventually("the list is here", () => lines.length === 3);
  // With the last line the list is whole.
  expect(lines.map((line) => line.cursor)).toEqual([undefined, undefined, cursor]);
  expect(errors).toMatchObject([{ code: "job_not_found", topic: "job:nowhere" }]);
});
