import { expect, test } from "vitest";
import { session, type AgentAnswer, type RoomcastClient, type TokenUsage } from "@roomcast/client";
import { clientOf } from "../../testing/client.js";
import { Server } from "../../testing/server.js";
import { SECURED, token } from "../../testing/token.js";
import { Worker } from "../../testing/worker.js";

async function sessionOf(client: RoomcastClient): Promise<string> {
  const made = { method: "POST", body: { name: "plans" } } as const;
  const project = await client.request<{ id: string }>("/projects", made);
  const { session_id } = await client.request<{ session_id: string }>(`/projects/${project.id}/sessions`, made);
  return session_id;
}

test("what an agent answers comes as it is written, and whole", async () => {
  const server = await Server.forTest();
  const client = clientOf(server);
  const session_id = await sessionOf(client);
  const job = await session(client, session_id).ask("make it blue");
  const answers: AgentAnswer[] = [];
  const usages: TokenUsage[] = [];
  const stop = job.on((event) => {
    if (event.name === "vibecode_response") answers.push(event.data);
    if (event.name === "token_usage") usages.push(event.data);
  });
  const text = job.output("text").ended();
  await job.until(({ kind }) => kind === "vibecode");

  // In place of an agent, which needs a model: a worker that says what an agent says.
  const lease = await new Worker(server.core).lease("vibecode");
  await lease.write("blue it is", "text");
  const usage = { input_tokens: 20, output_tokens: 3, total_tokens: 23 };
  await lease.report({ usage });
  const answer = { type: "vibecode_response", session_id, patch: "+blue\n", files: ["a.css"], message: "done", model: "m" };
  await lease.tell("vibecode_response", { ...answer, token_usage: usage });
  await lease.complete(answer);

  expect((await text).text).toBe("blue it is");
  const ended = await job.ended();
  expect(ended).toMatchObject({ status: "completed", session_id, usage });
  expect(answers).toMatchObject([{ ...answer, job_id: job.id, token_usage: usage }]);
  expect(usages).toMatchObject([usage]);
  stop();
});

test("who is no member of a session's project asks its agent nothing", async () => {
  const server = await Server.forTest(SECURED);
  const [ana, ben] = ["ana", "ben"].map((user) => clientOf(server, { getToken: () => token(user, 60) }));
  const asked = session(ben!, await sessionOf(ana!)).ask("anything");
  await expect(asked).rejects.toMatchObject({ code: "session_not_found" });
});
