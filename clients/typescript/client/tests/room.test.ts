import { expect, test } from "vitest";
import { clientOf } from "../../testing/client.js";
import { eventually } from "../../testing/eventually.js";
import { Server } from "../../testing/server.js";
import { SECURED, token } from "../../testing/token.js";

test("a room that tells its last values begins with them, and goes on once and in order", async () => {
  const server = await Server.forTest();
  const client = clientOf(server);
  // A room of the dashboard: what was published stands under `data`.
  const agents = client.room("agents");
  await agents.publish("agent_status_update", { n: 1 });
  await agents.publish("agent_status_update", { n: 2 });
  const told: unknown[] = [];
  const stop = agents.on(({ data }) => told.push((data["data"] as { n: number }).n));
  await eventually("the last value", () => told.length === 1);
  await eventually("it is live", () => agents.get().phase === "live");
  expect(agents.get().value).toMatchObject({ agent_status_update: { data: { n: 2 } } });
  await agents.publish("agent_status_update", { n: 3 });
  await server.restart();
  await agents.publish("agent_status_update", { n: 4 });
  await eventually("what was missed", () => told.length === 3);
  expect(told).toEqual([2, 3, 4]);
  stop();
});

test("a room that is not declared is closed with its code", async () => {
  const server = await Server.forTest(SECURED);
  const room = clientOf(server, { getToken: () => token("ana", 60) }).room("nowhere");
  const stop = room.subscribe(() => {});
  await eventually("it is closed", () => room.get().phase === "closed");
  expect(room.get().error?.code).toBe("topic_not_found");
  stop();
});

test("of the dashboard nothing comes to those who do not look", async () => {
  const server = await Server.forTest();
  const client = clientOf(server);
  const stop = client.jobs().subscribe(() => {});
  await eventually("it is live", () => client.jobs().get().phase === "live");
  const answer = await fetch(`${server.url}/connections`);
  const { connections } = (await answer.json()) as { connections: { topics: string[] }[] };
  expect(connections.map(({ topics }) => topics)).toEqual([["user:dev"]]);
  stop();
});
