import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../clients/typescript/testing/eventually.js";
import { Log } from "../src/data/log.js";
import { loud } from "./stage/loud.js";

const KEPT_MAX = 8 * 1024 * 1024;

test("of what is long the newest is kept, and no more of it than a page bears", async () => {
  const { client, jobId, lease } = await loud(40);
  await lease.complete();

  const log = new Log(client, `job:${jobId}`, "oldest");
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
