import type { IncomingMessage, ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { clientOf } from "../../testing/client.js";
import { eventually } from "../../testing/eventually.js";
import { proxyOf } from "../../testing/proxy.js";
import { Server } from "../../testing/server.js";
import { Worker } from "../../testing/worker.js";

test("output is the bytes that were written, whenever one begins to look and whatever fails meanwhile", async () => {
  const server = await Server.forTest();
  const client = clientOf(server);
  const worker = new Worker(server.core);
  const { job_id } = await client.createJob({ kind: "render" });
  const lease = await worker.lease("render");
  await lease.write("before anybody looked: é, ");
  const output = client.job(job_id).output();
  const stop = output.subscribe(() => {});
  await eventually("the beginning", () => output.get().text.endsWith(", "));
  // A letter in two pieces.
  const letter = Buffer.from("ü");
  await lease.write(letter.subarray(0, 1));
  await lease.write(letter.subarray(1));
  await eventually("the letter", () => output.get().text.endsWith("ü"));
  await server.kill();
  await server.start();
  await eventually("the worker is back", () => lease.write(" after").then(() => true, () => false));
  await eventually("the end", () => output.get().text.endsWith("after"));
  expect(output.get()).toEqual({ attempt: 1, text: "before anybody looked: é, ü after", isCut: false });
  stop();
});

test("who stops looking twice takes nothing from the others", async () => {
  const server = await Server.forTest();
  const client = clientOf(server);
  const { job_id } = await client.createJob({ kind: "render" });
  const lease = await new Worker(server.core).lease("render");
  const output = client.job(job_id).output();
  const [one, other] = [output.subscribe(() => {}), output.subscribe(() => {})];
  one();
  one();
  await lease.write("seen");
  await eventually("the other sees it", () => output.get().text === "seen");
  other();
});

test("of a long output the end is read, and another attempt begins another text", async () => {
  const server = await Server.forTest();
  const client = clientOf(server);
  const worker = new Worker(server.core);
  const retry = { max_attempts: 2, initial_backoff_ms: 1 };
  const { job_id } = await client.createJob({ kind: "render", retry });
  const lease = await worker.lease("render");
  await lease.write("x".repeat(200_000));
  await lease.write("y".repeat(200_000));
  const output = client.job(job_id).output();
  const stop = output.subscribe(() => {});
  await eventually("the end", () => output.get().text.length === 64 * 1024);
  expect(output.get()).toMatchObject({ isCut: true, text: "y".repeat(64 * 1024) });
  await lease.fail("oops", "it broke", true);
  const second = await worker.lease("render");
  await second.write("again");
  await eventually("the other text", () => output.get().text === "again");
  await second.write(" and to its end");
  await second.complete();
  const whole = { attempt: 2, text: "again and to its end", isCut: false };
  expect(await output.ended()).toEqual(whole);
  expect(await client.job(job_id).output().ended()).toEqual(whole);
  stop();
});

test("who falls behind goes on at the end: what lies between would be cut off again", async () => {
  const server = await Server.forTest();
  const { job_id } = await clientOf(server).createJob({ kind: "render" });
  const lease = await new Worker(server.core).lease("render");
  await lease.write("the beginning");
  const held: ServerResponse[] = [];
  const asked: string[] = [];
  const url = await proxyOf(server, (request, response) => {
    const { pathname, search } = new URL(request.url ?? "", "http://edge");
    if (!pathname.endsWith("/output")) return false;
    // The first answer does not come before all is written.
    return asked.push(search) === 1 && held.push(response) > 0;
  });
  const client = clientOf(server, { url, transports: ["polling"] });
  const [job, output] = [client.job(job_id), client.job(job_id).output()];
  const stop = output.subscribe(() => {});
  await eventually("it is asked for", () => held.length === 1);
  for (let pieces = 0; pieces < 16; pieces += 1) await lease.write("x".repeat(64 * 1024));
  await lease.write("the end");
  await eventually("all is known of", () => (job.get().value?.output_bytes["stdout"] ?? 0) > 1024 * 1024);
  held[0]?.destroy();
  await eventually("the end is here", () => output.get().text.endsWith("the end"));
  expect(output.get().isCut).toBe(true);
  expect(asked.length).toBeLessThan(6);
  stop();
});

test("what REST knows before the socket does is shown when that says it, and asked for once", async () => {
  const server = await Server.forTest();
  const { job_id } = await clientOf(server).createJob({ kind: "render" });
  const lease = await new Worker(server.core).lease("render");
  await lease.write("one ");
  let tell = () => {};
  let told: Promise<unknown> = Promise.resolve();
  let asked = 0;
  const url = await proxyOf(server, (request, response) => {
    const { pathname } = new URL(request.url ?? "", "http://edge");
    if (pathname.endsWith("/output")) {
      asked += 1;
      told = new Promise<void>((resolve) => (tell = resolve));
      void lease.write("two ").then(() => passOn(server, request, response));
      return true;
    }
    if (request.method !== "GET" || !pathname.startsWith("/socket.io/")) return false;
    void passOn(server, request, response, () => told);
    return true;
  });
  const output = clientOf(server, { url, transports: ["polling"] }).job(job_id).output();
  const stop = output.subscribe(() => {});
  await eventually("what the job says is here", () => output.get().text === "one ");
  tell();
  await eventually("all is here", () => output.get().text === "one two ");
  expect(asked).toBe(1);
  stop();
});

test("what is past its retention is left out, and what follows it is shown", async () => {
  const server = await Server.forTest();
  const { job_id } = await clientOf(server).createJob({ kind: "render" });
  const lease = await new Worker(server.core).lease("render");
  await lease.write("the beginning, the end");
  let asked = 0;
  const url = await proxyOf(server, (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://edge");
    if (!pathname.endsWith("/output")) return false;
    asked += 1;
    const start = Math.max(Number(searchParams.get("from")), "the beginning, ".length);
    response.writeHead(200, { "x-offset": start }).end("the beginning, the end".slice(start));
    return true;
  });
  const output = clientOf(server, { url, transports: ["polling"] }).job(job_id).output();
  const stop = output.subscribe(() => {});
  await eventually("the rest is here", () => output.get().text === "the end");
  await lease.complete();
  expect(await output.ended()).toEqual({ attempt: 1, text: "the end", isCut: true });
  expect(asked).toBe(1);
  stop();
});

/** Asks the server at once, and answers when it may. */
async function passOn(
  server: Server,
  { url = "" }: IncomingMessage,
  response: ServerResponse,
  allowed: () => unknown = () => {},
): Promise<void> {
  try {
    const answer = await fetch(new URL(url, server.url));
    const body = Buffer.from(await answer.arrayBuffer());
    await allowed();
    response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" }).end(body);
  } catch {
    response.destroy();
  }
}
