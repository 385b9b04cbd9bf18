import { RoomcastClient } from "@roomcast/client";
import { expect, onTestFinished, test } from "vitest";
import { Server } from "../../clients/typescript/testing/server.js";
import { Visitor } from "./stage/visitor.js";

/** More than one page of each. */
const PROJECTS = 22;
const SESSIONS = 53;

test("every session of every project is reached by paging", async () => {
  const server = await Server.forTest();
  const client = new RoomcastClient({ url: server.url });
  onTestFinished(() => client.close());
  const make = (path: string, name: string) =>
    client.request<{ readonly id: string }>(path, { method: "POST", body: { name } });
  const expected: string[] = [];
  for (let number = 1; number <= PROJECTS; number += 1) {
    const { id } = await make("/projects", `Project ${number}`);
    const amount = number === PROJECTS ? SESSIONS : 1;
    for (let count = 1; count <= amount; count += 1) {
      const name = `Drawing ${number}.${count}.`;
      await make(`/projects/${id}/sessions`, name);
      expected.push(name);
    }
  }
  const visitor = await Visitor.of(server.url);
  const page = await visitor.open("/sessions");
  const seen = new Set<string>();
  const read = async (first: string) => {
    await page.getByRole("link", { name: first, exact: true }).waitFor();
    for (const name of await page.getByRole("link", { name: /^Drawing/ }).allTextContents()) seen.add(name);
  };
  await read(`Drawing ${PROJECTS}.${SESSIONS}.`);
  await page.getByRole("link", { name: "Older" }).click();
  await read("Drawing 1.1.");
  await page.getByRole("link", { name: "Newest" }).click();
  await page.getByRole("link", { name: `All sessions of Project ${PROJECTS}` }).click();
  await read(`Drawing ${PROJECTS}.${SESSIONS}.`);
  await page.getByRole("link", { name: "Older" }).click();
  await read(`Drawing ${PROJECTS}.1.`);
  expect([...seen].sort()).toEqual(expected.sort());
});

test("an endless name leaves room for what stands beside it", async () => {
  const server = await Server.forTest();
  const client = new RoomcastClient({ url: server.url });
  onTestFinished(() => client.close());
  const name = "endless".repeat(30);
  const { id } = await client.request<{ id: string }>("/projects", { method: "POST", body: { name } });
  await client.request(`/projects/${id}/sessions`, { method: "POST", body: { name } });
  const visitor = await Visitor.of(server.url);
  const page = await visitor.open("/sessions");
  const table = page.getByRole("group", { name: "Sessions" });
  await table.getByRole("link", { name }).waitFor();
  expect(await table.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)).toBe(0);
});
