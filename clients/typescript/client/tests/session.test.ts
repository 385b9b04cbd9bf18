import { session, type LiveSession, type Session } from "@roomcast/client";
import { expect, onTestFinished, test, vi } from "vitest";
import { clientOf } from "../../testing/client.js";
import { eventually } from "../../testing/eventually.js";
import { Server } from "../../testing/server.js";

/** A graph as its content alone. */
function content({ graphs }: Session, name = "main"): object {
  const { nodes, links, version, undoable, redoable } = graphs[name] ?? {};
  const byId = [...(nodes ?? [])].sort(([a], [b]) => a.localeCompare(b)).map(([, node]) => node);
  const byEnds = [...(links ?? [])].map((link) => `${link.parent_id}-${link.node_id}`).sort();
  return { nodes: byId, links: byEnds, version, undoable, redoable };
}

/** A session as somebody who comes now is told it. */
async function afresh(server: Server, id: string): Promise<Session> {
  const live = session(clientOf(server), id);
  const stop = live.subscribe(() => {});
  await eventually("all of it is there", () => live.get().phase === "live");
  const value = live.get().value as Session;
  stop();
  return value;
}

async function node(live: LiveSession, node_id: string, parent_id?: string): Promise<void> {
  const parent = parent_id ? { parent_id } : {};
  await live.execute({ type: "create_node", node_id, node_type: "box", name: node_id, ...parent });
}

test("two who edit at once end with one graph, and one who comes later sees the same", async () => {
  const server = await Server.forTest();
  const [ana, ben] = [session(clientOf(server), "s"), session(clientOf(server), "s")];
  const stops = [ana, ben].map((live) => live.subscribe(() => {}));
  await Promise.all([ana, ben].map((live) => live.until(() => true)));
  await node(ana, "root");
  await Promise.all([
    ...["a", "b", "c"].map((id) => node(ana, id, "root")),
    ...["x", "y"].map((id) => node(ben, id)),
    ben.execute({ type: "set_property", node_id: "root", key: "color", value: { r: 1, g: [2] } }),
  ]);
  await ana.execute({ type: "unlink_node", parent_id: "root", node_id: "c" });
  await ben.execute({ type: "delete_node", node_id: "c" });
  const done = await ana.execute({ type: "delete_property", node_id: "root", key: "color" });
  const isThere = (value: Session) => value.graphs["main"]?.version === done.version && value.pending === 0;
  const [one, other] = await Promise.all([ana.until(isThere), ben.until(isThere)]);
  expect(content(one)).toEqual(content(other));
  expect(content(one)).toEqual(content(await afresh(server, "s")));
  expect(content(one)).toMatchObject({ links: ["root-a", "root-b"], undoable: 10, redoable: 0 });
  for (const stop of stops) stop();
});

test("undo and redo are counted as the server counts them", async () => {
  const server = await Server.forTest();
  const live = session(clientOf(server), "s");
  const stop = live.subscribe(() => {});
  await node(live, "a");
  await node(live, "b", "a");
  await live.undo();
  await live.undo();
  const { version } = await live.redo();
  const value = await live.until((now) => now.graphs["main"]?.version === version);
  expect(content(value)).toEqual(content(await afresh(server, "s")));
  expect(content(value)).toMatchObject({ undoable: 1, redoable: 1, links: [] });
  await expect(live.undo("other")).rejects.toMatchObject({ retryable: false });
  stop();
});

test("a command is shown at once, and taken back when it is refused", async () => {
  const server = await Server.forTest();
  const live = session(clientOf(server), "s");
  const stop = live.subscribe(() => {});
  await live.until(() => true);
  const made = node(live, "a");
  expect(live.get().value).toMatchObject({ pending: 1 });
  expect(live.get().value?.graphs["main"]?.nodes.get("a")?.name).toBe("a");
  await made;
  await live.until((value) => value.pending === 0);

  const circle = live.execute({ type: "link_node", parent_id: "a", node_id: "a" });
  expect(live.get().value?.graphs["main"]?.links).toHaveLength(1);
  await expect(circle).rejects.toMatchObject({ code: "graph_cycle" });
  expect(live.get().value).toMatchObject({ pending: 0 });
  expect(live.get().value?.graphs["main"]?.links).toEqual([]);
  const late = live.execute({ type: "delete_node", node_id: "a" }, { expectedVersion: 77 });
  expect(live.get().value?.graphs["main"]?.nodes.size).toBe(0);
  await expect(late).rejects.toMatchObject({ code: "version_conflict" });
  expect(live.get().value?.graphs["main"]?.nodes.size).toBe(1);
  stop();
});

test("a node that is deleted takes its links along at once", async () => {
  const server = await Server.forTest();
  const live = session(clientOf(server), "s");
  const stop = live.subscribe(() => {});
  await node(live, "a");
  await node(live, "b", "a");
  await live.until((value) => value.pending === 0 && value.graphs["main"]?.links.length === 1);
  const deleted = live.execute({ type: "delete_node", node_id: "b" });
  expect(live.get().value?.graphs["main"]?.links).toEqual([]);
  await deleted;
  const value = await live.until((now) => now.pending === 0 && now.graphs["main"]?.version === 3);
  expect(content(value)).toEqual(content(await afresh(server, "s")));
  stop();
});

test("commands given while the server is away are done once, in a session that goes on", async () => {
  const server = await Server.forTest();
  const live = session(clientOf(server), "s");
  const told: string[] = [];
  const stops = [live.subscribe(() => {}), live.on((event) => told.push(event.name))];
  await live.until(() => true);
  await node(live, "a");
  await server.kill();
  await eventually("it is stale", () => live.get().phase === "stale");
  const away = node(live, "b", "a");
  expect(live.get().value?.graphs["main"]?.nodes.size).toBe(2);
  await server.start();
  await away;
  await live.until((value) => value.pending === 0 && value.graphs["main"]?.version === 2);
  expect(content(live.get().value as Session)).toEqual(content(await afresh(server, "s")));
  expect(told.filter((name) => name === "graph:node-created")).toHaveLength(2);
  for (const stop of stops) stop();
});

test("a save that is loaded takes the place of the graph", async () => {
  const server = await Server.forTest();
  const live = session(clientOf(server), "s");
  const stop = live.subscribe(() => {});
  await node(live, "a");
  await live.save("before");
  await node(live, "b");
  await live.until((now) => now.pending === 0 && now.graphs["main"]?.version === 2);
  const told: string[] = [];
  const forget = live.on((event) => told.push(event.name));
  await live.load("before");
  await node(live, "c", "a");
  const value = await live.until((now) => now.graphs["main"]?.version === 4 && now.pending === 0);
  expect(content(value)).toEqual(content(await afresh(server, "s")));
  expect([...(value.graphs["main"]?.nodes.keys() ?? [])]).toEqual(["a", "c"]);
  expect(told.filter((name) => name === "project:loaded" || name === "graph:node-created")).toEqual([
    "project:loaded",
    "graph:node-created",
  ]);
  forget();
  stop();
});

test("a session of many parts is shown when all of it is there", async () => {
  const server = await Server.forTest();
  const live = session(clientOf(server), "s");
  const stop = live.subscribe(() => {});
  const text = "x".repeat(2000);
  for (let batch = 0; batch < 3; batch += 1) {
    const commands = Array.from({ length: 50 }, (_, index) => {
      const name = `${batch}-${index}`;
      const properties = { text };
      return { type: "create_node", node_id: name, node_type: "box", name, properties } as const;
    });
    await live.execute({ type: "batch", commands });
  }
  await live.until((value) => value.pending === 0 && value.graphs["main"]?.nodes.size === 150);
  const sizes: number[] = [];
  const late = session(clientOf(server), "s");
  const forget = late.subscribe(() => sizes.push(late.get().value?.graphs["main"]?.nodes.size ?? 0));
  const value = await late.until((now) => now.graphs["main"]?.version === 3);
  expect(content(value)).toEqual(content(live.get().value as Session));
  // Older perhaps, and then what came since; never a part of it.
  expect(sizes.filter((size) => size > 0 && size < 50)).toEqual([]);
  forget();
  stop();
});

test("who is there is told by name, and who goes has gone", async () => {
  const server = await Server.forTest();
  const live = session(clientOf(server), "s");
  const stop = live.subscribe(() => {});
  const here = await live.until((value) => value.participant_count === 1);
  expect(here.participants).toMatchObject([{ user_id: "dev", connections: 1 }]);
  const other = clientOf(server);
  const leave = session(other, "s").subscribe(() => {});
  await live.until((value) => value.participants[0]?.connections === 2);
  leave();
  other.close();
  await live.until((value) => value.participants[0]?.connections === 1);
  stop();
});

test("a page without TLS, which has less of crypto, gives commands as well", async () => {
  const server = await Server.forTest();
  vi.stubGlobal("crypto", { getRandomValues: crypto.getRandomValues.bind(crypto) });
  onTestFinished(() => void vi.unstubAllGlobals());
  const live = session(clientOf(server), "s");
  const create = () => live.execute({ type: "create_node", node_type: "box", name: "A" });
  expect((await create()).version).toBe(1);
  expect((await create()).version).toBe(2);
});
