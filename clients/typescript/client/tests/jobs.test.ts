import { expect, test, vi } from "vitest";
import { jobsOf, type JobsOf } from "@roomcast/client";
import { clientOf } from "../../testing/client.js";
import { eventually } from "../../testing/eventually.js";
import { Server } from "../../testing/server.js";
import { SECURED, token } from "../../testing/token.js";

/** An id that no topic can be named by as it is. */
const ANA = "ana.b@example";

const as = (server: Server, sub: string, ...roles: string[]) =>
  clientOf(server, { getToken: () => token(sub, 600, { roles }) });

test("the lists of a project and of another user are live, each by itself", async () => {
  const server = await Server.forTest(SECURED);
  const [ana, auditor] = [as(server, ANA), as(server, "eve", "auditor")];
  const project = await ana.request<{ id: string }>("/projects", { method: "POST", body: { name: "plans" } });
  const of: JobsOf[] = [{ project: project.id }, { user: ANA }];
  const lists = [...of.map((one) => jobsOf(auditor, one)), ana.jobs()];
  const stops = lists.map((list) => list.subscribe(() => {}));
  await eventually("all are live", () => lists.every((list) => list.get().phase === "live"));
  expect(lists.map((list) => list.get().value)).toEqual([[], [], []]);
  const inside = await ana.createJob({ kind: "render", project_id: project.id });
  const outside = await ana.createJob({ kind: "index" });
  const ids = () => lists.map((list) => list.get().value?.map(({ job_id }) => job_id));
  const both = [outside.job_id, inside.job_id];
  await eventually("they are told", () => ids().every((list, place) => list?.length === (place ? 2 : 1)));
  expect(ids()).toEqual([[inside.job_id], both, both]);
  // Leaving one list leaves the others be.
  stops[1]?.();
  const again = auditor.jobs().subscribe(() => {});
  await ana.createJob({ kind: "late", project_id: project.id });
  await eventually("the rest goes on", () => ids()[0]?.length === 2 && ids()[2]?.length === 3);
  for (const stop of [...stops, again]) stop();
});

test("one list under two names is told to both, until the last leaves", async () => {
  const server = await Server.forTest(SECURED);
  const ana = as(server, ANA);
  // Whose list the second is, the client learns with the connection.
  const lists = [ana.jobs(), jobsOf(ana, { user: ANA })];
  const [first, second] = lists.map((list) => list.subscribe(() => {}));
  const amounts = () => lists.map((list) => list.get().value?.length);
  await eventually("both are live", () => lists.every((list) => list.get().phase === "live"));
  await ana.createJob({ kind: "render" });
  await eventually("both are told", () => amounts().every((amount) => amount === 1));
  first?.();
  await eventually("one is left", () => lists[0]?.get().phase === "idle");
  await ana.createJob({ kind: "render" });
  await eventually("the other is told", () => amounts()[1] === 2);
  second?.();
});

test("a list that is left under one name while it is joined under another goes on", async () => {
  const server = await Server.forTest(SECURED);
  const ana = as(server, ANA);
  const [own, same] = [ana.jobs(), jobsOf(ana, { user: ANA })];
  const leaveOwn = own.subscribe(() => {});
  await eventually("it is live", () => own.get().phase === "live");
  unanswered(() => same.subscribe(() => {})());
  await ana.createJob({ kind: "render" });
  await eventually("who stays is told", () => own.get().value?.length === 1);
  const stops: (() => void)[] = [];
  unanswered(() => {
    stops.push(same.subscribe(() => {}));
    leaveOwn();
  });
  await eventually("the other is live", () => same.get().phase === "live");
  await ana.createJob({ kind: "render" });
  await eventually("who came is told", () => same.get().value?.length === 2);
  for (const stop of stops) stop();
});

/** Acts, and what nobody holds after that is left, all before the server can answer. */
function unanswered(act: () => void): void {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  act();
  vi.advanceTimersByTime(1000);
  vi.useRealTimers();
}

test("a list whose right ends is closed, and no other", async () => {
  const server = await Server.forTest(SECURED);
  const [ana, bob] = [as(server, ANA), as(server, "bob")];
  const project = await ana.request<{ id: string }>("/projects", { method: "POST", body: { name: "plans" } });
  const member = `/projects/${project.id}/members/bob`;
  await ana.request(member, { method: "PUT", body: { role: "viewer" } });
  const lists = [jobsOf(bob, { project: project.id }), bob.jobs()];
  const stops = lists.map((list) => list.subscribe(() => {}));
  await eventually("both are live", () => lists.every((list) => list.get().phase === "live"));
  await ana.request(member, { method: "DELETE" });
  await eventually("it is closed", () => lists[0]?.get().phase === "closed");
  expect(lists[1]?.get().phase).toBe("live");
  for (const stop of stops) stop();
});

test("the list of another user is closed to users", async () => {
  const server = await Server.forTest(SECURED);
  const list = jobsOf(as(server, "bob"), { user: ANA });
  const stop = list.subscribe(() => {});
  await eventually("it is closed", () => list.get().phase === "closed");
  expect(list.get().error?.code).toBe("topic_not_found");
  stop();
});
