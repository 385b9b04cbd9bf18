import { RoomcastClient, session } from "@roomcast/client";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { Server } from "../../clients/typescript/testing/server.js";
import { SECURED, token } from "../../clients/typescript/testing/token.js";
import { Worker } from "../../clients/typescript/testing/worker.js";
import { Visitor } from "./stage/visitor.js";

/** It would change the page's title, or its address, if any of it were read as HTML or as a script. */
const HOSTILE = `"><img src=x onerror="document.title='pwned'"><script>document.title='pwned'</script><svg onload="document.title='pwned'">{{7*7}}javascript:alert(1)`;

/** As long as a label, a stage or a property may be. */
const SHORT = HOSTILE.slice(0, 120);
/** What is left of it in the one line of an event. */
const GIST = 60;
/** As long as a name of a user may be, where every sign costs three bytes. */
const PERSON = "<img src=x onerror=alert(1)>";

async function isText(page: Page, path: string, text = HOSTILE): Promise<void> {
  await page.getByText(text).filter({ visible: true }).first().waitFor();
  const foreign = await page.evaluate(
    () => document.querySelectorAll("main img, main script, main iframe, main [onerror], main [onload]").length,
  );
  expect(foreign, path).toBe(0);
  expect(await page.title(), path).toContain("Roomcast");
}

test("whatever people, workers and publishers write stays text", async () => {
  const server = await Server.forTest(SECURED);
  const secret = token(PERSON, 3600, { roles: ["admin"] });
  const client = new RoomcastClient({ url: server.url, getToken: () => secret });
  const { job_id } = await client.createJob({
    kind: "demo",
    input: { [HOSTILE]: HOSTILE },
    labels: { note: SHORT },
  });
  const lease = await new Worker(server.core).lease("demo");
  await lease.report({
    progress: { percent: 10, message: HOSTILE, stage: SHORT, counters: { "<b>rows</b>": 1 } },
  });
  await lease.write(`${HOSTILE}\n\u001b]0;${HOSTILE}\u0007\u001b[31m${HOSTILE}\u001b[0m\n`);
  await lease.report({ usage: { input_tokens: 1, model: SHORT } });
  await lease.fail("worker.broke", HOSTILE);
  const project = await client.request<{ id: string }>("/projects", { method: "POST", body: { name: HOSTILE } });
  const { job_id: done } = await client.createJob({ kind: "done", project_id: project.id });
  const ending = await new Worker(server.core).lease("done");
  await ending.tell("note", { [HOSTILE]: HOSTILE });
  await ending.complete({ [HOSTILE]: HOSTILE });
  const { job_id: left } = await client.createJob({ kind: "left" });
  await client.job(left).cancel(HOSTILE);
  const { session_id } = await client.request<{ session_id: string }>(`/projects/${project.id}/sessions`, {
    method: "POST",
    body: { name: HOSTILE },
  });
  const drawing = session(client, session_id);
  const leave = drawing.subscribe(() => {});
  await drawing.execute({
    type: "create_node",
    node_id: "n",
    node_type: HOSTILE,
    name: HOSTILE,
    properties: { [SHORT]: HOSTILE },
  });
  await client.room("agents").publish("agent_status_update", { [HOSTILE]: HOSTILE });

  const visitor = await Visitor.of(server.url);
  const page = await visitor.open("/");
  await page.getByLabel("Token").fill(secret);
  await page.getByRole("button", { name: "Sign in" }).click();
  const paths = [
    "/",
    "/jobs",
    `/jobs/${job_id}`,
    `/jobs/${done}`,
    `/jobs/${left}`,
    `/topics/job%3A${done}`,
    `/topics/project%3A${project.id}`,
    `/topics/session%3A${session_id}`,
    "/sessions",
    `/sessions?project=${project.id}`,
    `/sessions/${session_id}`,
    "/rooms/agents",
    "/topics/room%3Aagents",
    "/connections",
    "/audit",
  ];
  for (const path of paths) {
    await visitor.go(page, path);
    const text = /topics/.test(path) ? HOSTILE.slice(0, GIST) : HOSTILE;
    await isText(page, path, /connections|audit/.test(path) ? PERSON : text);
  }
  await visitor.go(page, `/sessions/${session_id}`);
  await page.getByRole("group", { name: "Nodes" }).getByRole("button").click();
  await page.getByLabel("Properties").waitFor();
  await isText(page, "a node");
  await visitor.go(page, "/rooms/agents");
  await page.getByLabel("Data, a JSON object").fill(JSON.stringify({ text: HOSTILE }));
  await page.getByLabel("Preview").getByText("document.title").waitFor();
  await isText(page, "a preview");
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Go to" }).fill(`topic:${HOSTILE}`);
  await page.getByRole("option", { name: `Topic ${HOSTILE}` }).waitFor();
  await isText(page, "the palette");
  for (const path of [
    `/jobs/${encodeURIComponent(HOSTILE)}`,
    `/sessions/${encodeURIComponent(HOSTILE)}`,
    `/rooms/${encodeURIComponent(HOSTILE)}`,
    `/topics/${encodeURIComponent(HOSTILE)}`,
    `/explain?user=${encodeURIComponent(HOSTILE)}&topic=job%3A${job_id}`,
  ]) {
    await visitor.go(page, path);
    await isText(page, path);
  }
  leave();
  client.close();
});
