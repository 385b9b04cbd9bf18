import { expect, test } from "vitest";
import { clientOf } from "../../testing/client.js";
import { eventually } from "../../testing/eventually.js";
import { Server } from "../../testing/server.js";

test("a list of another history takes the place of the old one at once", async () => {
  const server = await Server.forTest();
  const client = clientOf(server);
  const jobs = client.jobs();
  const sizes: number[] = [];
  const stop = jobs.subscribe(() => sizes.push(jobs.get().value?.length ?? -1));
  await jobs.until((lines) => lines.length === 0);
  for (const kind of ["one", "two"]) await client.createJob({ kind });
  await jobs.until((lines) => lines.length === 2);
  expect(jobs.get().value?.map((line) => line.kind)).toEqual(["two", "one"]);

  const another = await Server.forTest();
  const other = await clientOf(another).createJob({ kind: "other" });
  sizes.length = 0;
  await server.become(another);
  await jobs.until((lines) => lines.some((line) => line.job_id === other.job_id));
  expect(jobs.get().value?.map((line) => line.kind)).toEqual(["other"]);
  // Never empty in between.
  expect(sizes.every((size) => size === 2 || size === 1)).toBe(true);
  stop();
});

test("a job that another history does not know is closed, and what was shown stays", async () => {
  const server = await Server.forTest();
  const client = clientOf(server);
  const { job_id } = await client.createJob({ kind: "render" });
  const job = client.job(job_id);
  const stop = job.subscribe(() => {});
  await eventually("it is live", () => job.get().phase === "live");
  await server.forget();
  await eventually("it is closed", () => job.get().phase === "closed");
  expect(job.get()).toMatchObject({ error: { code: "job_not_found" }, value: { job_id } });
  stop();
});

test("a room goes on after what was seen last, or begins anew", async () => {
  const server = await Server.forTest({ arguments: ["--rooms", "news"] });
  const client = clientOf(server);
  const room = client.room("news");
  const told: unknown[] = [];
  const stop = room.on((event) => told.push(event.data["n"]));
  await eventually("it is live", () => room.get().phase === "live");
  await room.publish("headline", { n: 1 });
  await eventually("the first", () => told.length === 1);
  await server.kill();
  await server.start();
  await room.publish("headline", { n: 2 });
  await room.publish("weather", { n: 3 });
  await eventually("what was missed", () => told.length === 3);
  expect(told).toEqual([1, 2, 3]);
  expect(room.get().value).toMatchObject({ headline: { n: 2 }, weather: { n: 3 } });
  await server.forget();
  await eventually("the new history", () => room.get().phase === "live");
  await room.publish("headline", { n: 4 });
  await eventually("its first", () => told.length === 4);
  expect(Object.keys(room.get().value ?? {})).toEqual(["headline"]);
  stop();
});

/** A room of the dashboard: what was published stands under `data`. */
interface Agents {
  agent_status_update: { data: { n: number } };
}

test("a room of another history has what that one keeps, which is no news", async () => {
  const server = await Server.forTest();
  const client = clientOf(server);
  await client.room("agents").publish("agent_status_update", { n: 1 });
  const room = client.room<Agents>("agents");
  const told: number[] = [];
  const stop = room.on((event) => told.push(event.data.data.n));
  await eventually("the last value", () => told.length === 1);

  const another = await Server.forTest();
  await clientOf(another).room("agents").publish("agent_status_update", { n: 2 });
  await server.become(another);
  await eventually("that of the other", () => room.get().value?.agent_status_update?.data.n === 2);
  expect(Object.keys(room.get().value ?? {})).toEqual(["agent_status_update"]);
  expect(told).toEqual([1]);
  stop();
});
