import { RoomcastClient } from "@roomcast/client";
import { onTestFinished, test } from "vitest";
import { eventually } from "../../clients/typescript/testing/eventually.js";
import { Server } from "../../clients/typescript/testing/server.js";
import { Pair } from "./stage/pair.js";
import { Visitor } from "./stage/visitor.js";

test("connections to another edge are listed with what is known of them, and ended from here", async () => {
  const pair = await Pair.start();
  const client = new RoomcastClient({ url: await pair.startAnotherEdge() });
  onTestFinished(() => client.close());
  const { job_id } = await client.createJob({ kind: "far" });
  const leave = client.job(job_id).subscribe(() => {});
  onTestFinished(leave);
  await eventually("it is connected", () => client.connection.get().phase === "live");

  const visitor = await Visitor.of(pair.url);
  const page = await visitor.open("/connections");
  const far = page.getByRole("row").filter({ hasText: job_id });
  await far.getByText("unknown").waitFor();
  await page.getByText("2 sockets at 2 edges").waitFor();
  await page.getByRole("row").filter({ hasText: "this one" }).getByText("nothing").waitFor();
  const id = (await far.locator("code.id").first().textContent()) ?? "";
  await far.getByRole("button", { name: "Disconnect" }).click();
  await far.getByRole("button", { name: "Really?" }).click();
  await page.getByText("The connection of dev ends").waitFor();
  // Its client comes back by itself, as another connection.
  await eventually("it is another one", async () => {
    const ids = await page.locator("code.id").allTextContents();
    return ids.length > 0 && !ids.includes(id);
  });
});

test("what waits for a client is said in bytes, and a list that is cut says so", async () => {
  const server = await Server.forTest();
  const visitor = await Visitor.of(server.url);
  // Neither a client that stays behind nor a hundred thousand of them are here.
  await visitor.context.route(/\/connections\?/, async (route) => {
    const list = await (await route.fetch()).json();
    const connections = list.connections.map((one: object) => ({ ...one, waiting_bytes: 2048 }));
    await route.fulfill({ json: { ...list, connections, truncated: true } });
  });
  const page = await visitor.open("/connections");
  await page.getByRole("row").filter({ hasText: "user:dev" }).getByText("2.0 KB").waitFor();
  await page.getByText("served from the log, and misses nothing").waitFor();
  await page.getByText("There are more connections than the 1 that can be listed").waitFor();
});

test("where many are connected it is asked less often who", async () => {
  const server = await Server.forTest();
  const visitor = await Visitor.of(server.url);
  const connections = Array.from({ length: 8000 }, (_, index) => ({ id: `c${index}`, user_id: "ana", topics: [] }));
  const asked: number[] = [];
  await visitor.context.route(/\/connections\?/, async (route) => {
    asked.push(Date.now());
    await route.fulfill({ json: { connections, edge_id: "here", truncated: false } });
  });
  await visitor.open("/rooms");
  await eventually("it waits for longer than it does where few are", () =>
    asked.some((at, index) => at - (asked[index - 1] ?? at) > 8000),
  );
});
