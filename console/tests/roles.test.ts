import { expect, test } from "vitest";
import { eventually } from "../../clients/typescript/testing/eventually.js";
import { Server } from "../../clients/typescript/testing/server.js";
import { SECURED, token } from "../../clients/typescript/testing/token.js";
import { thingsOf } from "./stage/things.js";
import { Visitor } from "./stage/visitor.js";
import type { Page } from "playwright-core";

const HOUR = 3600;
const admin = (name = "root") => token(name, HOUR, { roles: ["admin"] });
const auditor = () => token("eve", HOUR, { roles: ["auditor"] });

async function signIn(page: Page, secret: string): Promise<void> {
  await page.getByLabel("Token").fill(secret);
  await page.getByRole("button", { name: "Sign in" }).click();
}

test("who is not known is asked for a token, which a tab keeps and signing out forgets", async () => {
  const server = await Server.forTest(SECURED);
  const visitor = await Visitor.of(server.url);
  const page = await visitor.open("/jobs");
  await page.getByText("This server asks who you are.").waitFor();
  await signIn(page, "no token at all");
  await page.getByRole("status").filter({ hasNotText: "This server asks" }).waitFor();
  await signIn(page, token("ana", HOUR));
  await page.getByText("ana may not look at the console").waitFor();
  await signIn(page, admin());
  await page.getByRole("heading", { level: 1, name: "Jobs" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { level: 1, name: "Jobs" }).waitFor();
  expect(await page.evaluate(() => [localStorage.length, sessionStorage.length])).toEqual([0, 1]);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Token").waitFor();
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
});

test("a token that is over leads back to the question for one", async () => {
  const server = await Server.forTest(SECURED);
  const visitor = await Visitor.of(server.url);
  const page = await visitor.open("/jobs");
  const secret = admin();
  await signIn(page, secret);
  await page.getByText("Live", { exact: true }).waitFor();
  const answer = await fetch(`${server.url}/revocations`, {
    method: "POST",
    headers: { authorization: `Bearer ${admin("boss")}`, "content-type": "application/json" },
    body: JSON.stringify({ subject: "root" }),
  });
  expect(answer.status).toBe(201);
  await page.getByRole("button", { name: "Sign in again" }).click();
  await page.getByLabel("Token").waitFor();
});

test("who only reads sees everything and no control, and the server would refuse", async () => {
  const server = await Server.forTest(SECURED);
  const things = await thingsOf(server, admin());
  const visitor = await Visitor.of(server.url);
  const page = await visitor.open("/connections");
  await signIn(page, auditor());
  await page.getByText("Read-only").waitFor();
  const places = [
    [`/jobs/${things.jobId}`, "page 1 done", "Cancel job"],
    [`/jobs/${things.failedId}`, "index.corrupt", "Retry"],
    [`/sessions/${things.sessionId}`, "Quay", "Undo"],
    ["/rooms/agents", "agent_status_update", "Publish"],
    ["/connections", "eve", "Disconnect"],
    ["/audit", "Audit", "Disconnect"],
  ] as const;
  for (const [path, shown, control] of places) {
    await visitor.go(page, path);
    await page.getByText(shown).filter({ visible: true }).first().waitFor();
    expect(await page.getByRole("button", { name: control }).count(), `${control} on ${path}`).toBe(0);
  }
  const refused = [
    [`/jobs/${things.jobId}/cancel`, {}],
    [`/jobs/${things.failedId}/retry`, {}],
    ["/topics/room:agents/events", { type: "news", data: {} }],
    ["/commands/undo", { session_id: things.sessionId }],
    ["/connections/none/disconnect", {}],
  ] as const;
  for (const [path, body] of refused) {
    const answer = await fetch(`${server.url}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${auditor()}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    expect(answer.status, path).toBe(403);
  }
});

test("what an operator does is done, and told in the audit", async () => {
  const server = await Server.forTest(SECURED);
  const things = await thingsOf(server, admin("wanda"));
  const visitor = await Visitor.of(server.url);
  const page = await visitor.open(`/jobs/${things.jobId}`);
  await signIn(page, admin());
  await page.getByRole("button", { name: "Cancel job" }).click();
  await page.getByRole("button", { name: "Really cancel?" }).click();
  await page.getByText("Cancelling").waitFor();
  await things.lease.report({ cancelled: {} });
  await page.getByText("Cancelled", { exact: true }).first().waitFor();

  await visitor.go(page, "/rooms/agents");
  await page.getByLabel("Type").fill("news");
  await page.getByLabel("Data, a JSON object").fill('{"text": "all is well"}');
  await page.getByLabel("Preview").getByText('"text": "all is well"').waitFor();
  await page.getByRole("button", { name: "Publish" }).click();
  await page.getByText("Published as event").waitFor();
  await page.getByRole("list", { name: "events of the room" }).getByText("news").waitFor();

  await visitor.go(page, "/audit");
  await eventually("the audit tells of it", async () => {
    const text =
      (await page
        .getByRole("table")
        .textContent()
        .catch(() => "")) ?? "";
    return text.includes("job.cancel") && text.includes(things.jobId) && text.includes("root");
  });
});

test("a connection that an operator ends is gone", async () => {
  const server = await Server.forTest(SECURED);
  const watcher = await thingsOf(server, admin("wanda"));
  const leave = watcher.client.jobs().subscribe(() => {});
  const visitor = await Visitor.of(server.url);
  const page = await visitor.open("/connections?q=wanda");
  await signIn(page, admin());
  const row = page.getByRole("row").filter({ hasText: "wanda" });
  const id = await row.locator("code.id").textContent();
  await row.getByRole("button", { name: "Disconnect" }).click();
  await row.getByRole("button", { name: "Really?" }).click();
  await page.getByText("The connection of wanda ends").waitFor();
  await eventually("it is another one", async () => {
    const ids = await page.locator("code.id").allTextContents();
    return !ids.includes(id ?? "");
  });
  leave();
});
