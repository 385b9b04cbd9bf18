import { expect, test } from "vitest";
import { clientOf } from "../../testing/client.js";
import { eventually } from "../../testing/eventually.js";
import { Server } from "../../testing/server.js";
import { SECURED, token } from "../../testing/token.js";
import { Tokens } from "../src/token.js";

test("a token that is about to be over is renewed, and what was joined goes on", async () => {
  const server = await Server.forTest(SECURED);
  let asked = 0;
  // Shorter than the notice, so that it comes at once; the second is long.
  const getToken = () => token("ana", (asked += 1) === 1 ? 30 : 3600);
  const client = clientOf(server, { getToken });
  const { job_id } = await client.createJob({ kind: "render" });
  const job = client.job(job_id);
  const phases: string[] = [];
  const forget = client.connection.subscribe(() => phases.push(client.connection.get().phase));
  const stop = job.subscribe(() => {});
  await eventually("it was renewed", () => asked === 2);
  await eventually("it is live", () => job.get().phase === "live");
  expect(client.connection.get().userId).toBe("ana");
  expect(phases).not.toContain("stale");
  forget();
  stop();
});

test("a refused token is asked for once more", async () => {
  const server = await Server.forTest(SECURED);
  let asked = 0;
  const getToken = async () => ((asked += 1) === 1 ? "nonsense" : token("ana", 3600));
  const client = clientOf(server, { getToken });
  const stop = client.jobs().subscribe(() => {});
  await eventually("it is let in", () => client.connection.get().userId === "ana");
  expect(asked).toBe(2);
  stop();
});

test("who is not let in is told why, and may try again", async () => {
  const server = await Server.forTest(SECURED);
  let given = "nonsense";
  const client = clientOf(server, { getToken: () => given });
  const jobs = client.jobs();
  const stop = jobs.subscribe(() => {});
  await eventually("it is refused", () => client.connection.get().phase === "closed");
  expect(client.connection.get().error).toMatchObject({ code: "token_invalid" });
  expect(jobs.get()).toMatchObject({ phase: "closed", error: { code: "token_invalid" } });
  given = token("ana", 3600);
  client.connect();
  await eventually("it is let in", () => jobs.get().phase === "live");
  stop();
});

test("a revocation ends the connection with its code", async () => {
  const server = await Server.forTest(SECURED);
  const own = token("ana", 3600, { jti: "ana-1" });
  const client = clientOf(server, { getToken: () => own });
  const stop = client.jobs().subscribe(() => {});
  await eventually("it is live", () => client.connection.get().phase === "live");
  const answer = await fetch(`${server.url}/revocations`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token("root", 60, { role: "admin" })}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({ token_id: "ana-1" }),
  });
  expect(answer.status).toBe(201);
  await eventually("it was ended", () => client.connection.get().phase === "closed");
  expect(client.connection.get().error).toMatchObject({ code: "token_revoked" });
  stop();
});

test("a getToken that fails is tried again", async () => {
  const server = await Server.forTest(SECURED);
  let asked = 0;
  const getToken = () => {
    if ((asked += 1) < 3) throw new Error("the issuer sleeps");
    return token("ana", 3600);
  };
  const client = clientOf(server, { getToken });
  const stop = client.jobs().subscribe(() => {});
  await eventually("it is let in", () => client.connection.get().userId === "ana");
  stop();
});

test("a token that could not be had is asked for again, in whatever moment that is", async () => {
  let asked = 0;
  const tokens = new Tokens(() => ((asked += 1) === 1 ? Promise.reject(new Error("away")) : Promise.resolve("given")));
  for (let turn = 0; turn < 20; turn += 1) {
    tokens.get().catch(() => {});
    await Promise.resolve();
  }
  await expect(tokens.get()).resolves.toBe("given");
  expect(asked).toBe(2);
});
