import { expect, test } from "vitest";
import { audit, type AuditEvent } from "@roomcast/client";
import { clientOf } from "../../testing/client.js";
import { eventually } from "../../testing/eventually.js";
import { Server } from "../../testing/server.js";
import { SECURED, token } from "../../testing/token.js";

const as = (server: Server, sub: string, ...roles: string[]) =>
  clientOf(server, { getToken: () => token(sub, 600, { roles }) });

test("what operators do is told to operators as it happens, each act once", async () => {
  const server = await Server.forTest(SECURED);
  const [ana, root, auditor] = [as(server, "ana"), as(server, "root", "admin"), as(server, "eve", "auditor")];
  const acts: AuditEvent[] = [];
  const log = audit(auditor);
  const stop = log.on((act) => acts.push(act));
  await eventually("it is live", () => log.get().phase === "live");
  for (const name of ["one", "two"]) {
    const { job_id } = await ana.createJob({ kind: name });
    await root.job(job_id).cancel();
    await eventually("it is told", () => acts.at(-1)?.data.target === `job:${job_id}`);
    await server.restart();
  }
  expect(acts.map(({ name, data: { by, outcome } }) => [name, by, outcome])).toEqual([
    ["audit.job.cancel", "root", "done"],
    ["audit.job.cancel", "root", "done"],
  ]);
  expect(log.get().value?.["audit.job.cancel"]).toMatchObject({ by: "root" });
  stop();
});

test("the audit is closed to users", async () => {
  const server = await Server.forTest(SECURED);
  const log = audit(as(server, "ana"));
  const stop = log.subscribe(() => {});
  await eventually("it is closed", () => log.get().phase === "closed");
  expect(log.get().error?.code).toBe("topic_not_found");
  stop();
});
