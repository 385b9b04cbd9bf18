import type { RoomcastClient } from "@roomcast/client";
import { expect, test } from "vitest";
import { clientOf } from "../../testing/client.js";
import { eventually } from "../../testing/eventually.js";
import { breakOff, proxyOf, type Interfere } from "../../testing/proxy.js";
import { Server } from "../../testing/server.js";
import { Worker } from "../../testing/worker.js";

type Spoil = Parameters<Interfere>[1];

/** A client whose first requests for a path are spoiled in turn; each is told of when it is asked. */
async function spoiled(
  server: Server,
  path: string,
  spoils: readonly ((response: Spoil) => void)[],
): Promise<{ client: RoomcastClient; asked: number[] }> {
  const asked: number[] = [];
  const url = await proxyOf(server, (request, response) => {
    if (!request.url?.startsWith(`/api/v1${path}`)) return false;
    const spoil = spoils[asked.push(performance.now()) - 1];
    spoil?.(response);
    return spoil !== undefined;
  });
  return { client: clientOf(server, { url, transports: ["polling"] }), asked };
}

function portal(response: Spoil): void {
  response.writeHead(200, { "content-type": "text/html" }).end("<h1>Sign in to this network</h1>");
}

function nothing(response: Spoil): void {
  response.writeHead(200, { "content-type": "application/octet-stream" }).end();
}

function gone(response: Spoil): void {
  const problem = { code: "job_not_found", detail: "it was purged", retryable: false };
  response.writeHead(404, { "content-type": "application/problem+json" }).end(JSON.stringify(problem));
}

/** A job that has written a text and ended. */
async function written(server: Server, text: string): Promise<string> {
  const { job_id } = await clientOf(server).createJob({ kind: "render" });
  const lease = await new Worker(server.core).lease("render");
  await lease.write(text);
  await lease.complete();
  return job_id;
}

test("a job whose answer breaks off, or is somebody else's, is asked for again", async () => {
  const server = await Server.forTest();
  const { job_id } = await clientOf(server).createJob({ kind: "render" });
  const { client, asked } = await spoiled(server, `/jobs/${job_id}`, [breakOff, portal]);
  const job = client.job(job_id);
  const stop = job.subscribe(() => {});
  await eventually("it is live", () => job.get().phase === "live");
  expect(asked.length).toBeGreaterThan(2);
  stop();
});

test("who asks is told that the answer was not whole, and may ask again", async () => {
  const server = await Server.forTest();
  const { client } = await spoiled(server, "/jobs", [breakOff, portal]);
  const cause = expect.any(Error) as Error;
  const unreachable = { name: "RoomcastError", code: "unreachable", retryable: true, cause };
  await expect(client.listJobs()).rejects.toMatchObject(unreachable);
  await expect(client.listJobs()).rejects.toMatchObject(unreachable);
  await expect(client.listJobs()).resolves.toMatchObject({ jobs: [] });
});

test("who looks anew at a job that was refused asks anew, and at once", async () => {
  const server = await Server.forTest();
  const { job_id } = await clientOf(server).createJob({ kind: "render" });
  const { client } = await spoiled(server, `/jobs/${job_id}`, [gone]);
  const job = client.job(job_id);
  await expect(job.until(() => true)).rejects.toMatchObject({ code: "job_not_found" });
  expect(await job.until(() => true)).toMatchObject({ job_id });
});

test("output that breaks off is read again", async () => {
  const server = await Server.forTest();
  const job_id = await written(server, "all of it");
  const { client } = await spoiled(server, `/jobs/${job_id}/output`, [breakOff, breakOff]);
  expect(await client.job(job_id).output().ended()).toMatchObject({ text: "all of it" });
});

test("output that is not there is asked for ever more seldom", async () => {
  const server = await Server.forTest();
  const job_id = await written(server, "all of it");
  const { client, asked } = await spoiled(server, `/jobs/${job_id}/output`, [nothing, nothing, nothing]);
  expect(await client.job(job_id).output().ended()).toMatchObject({ text: "all of it" });
  // Of three waits the first alone may be short.
  const [first = 0, , , last = 0] = asked;
  expect(last - first).toBeGreaterThan(500);
});

test("who waits for output that is refused is told why, and who looks anew may have it", async () => {
  const server = await Server.forTest();
  const job_id = await written(server, "all of it");
  const { client } = await spoiled(server, `/jobs/${job_id}/output`, [gone]);
  const output = client.job(job_id).output();
  await expect(output.ended()).rejects.toMatchObject({ code: "job_not_found" });
  expect(await output.ended()).toMatchObject({ text: "all of it" });
});

test("who waits for output may stop waiting, though the job has ended", async () => {
  const server = await Server.forTest();
  const job_id = await written(server, "all of it");
  const { client, asked } = await spoiled(server, `/jobs/${job_id}/output`, [() => {}]);
  const job = client.job(job_id);
  const controller = new AbortController();
  const waiting = job.output().ended(controller.signal);
  await eventually("it is asked for", () => asked.length === 1);
  // Who waited for the job's end before has it by then.
  await job.ended();
  const enough = new Error("enough");
  controller.abort(enough);
  await expect(waiting).rejects.toBe(enough);
});
