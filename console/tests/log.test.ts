import { RoomcastClient } from "@roomcast/client";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../clients/typescript/testing/eventually.js";
import { Server } from "../../clients/typescript/testing/server.js";
import { Worker } from "../../clients/typescript/testing/worker.js";
import { Log } from "../src/data/log.js";

const KEPT_MAX = 8 * 1024 * 1024;

test("of what is long the newest is kept, and no more of it than a page bears", async () => {
  const server = await Server.forTest();
  const client = new RoomcastClient({ url: server.url });
  onTestFinished(() => client.close());
  const { job_id } = await client.createJob({ kind: "loud" });
  const lease = await new Worker(server.core).lease("loud");
  const piece = Buffer.alloc(256 * 1024, "0123456789abcdef\n");
  for (let pieces = 0; pieces < 40; pieces += 1) await lease.write(piece);
  await lease.complete();

  const log = new Log(client, `job:${job_id}`, "oldest");
  onTestFinished(log.subscribe(() => {}));
  const entries = await eventually("it is read to its end", () => {
    const { isBehind, isReading, readOn, entries: read } = log.get();
    if (isBehind && !isReading) readOn();
    return read.at(-1)?.data["status"] === "completed" && read;
  });
  const kept = entries.reduce((sum, { data }) => sum + JSON.stringify(data).length, 0);
  expect(kept).toBeLessThanOrEqual(KEPT_MAX);
  expect(kept).toBeGreaterThan(KEPT_MAX / 2);
  expect(log.get().isCut).toBe(true);
});
