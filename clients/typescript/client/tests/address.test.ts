import { RoomcastClient } from "@roomcast/client";
import { expect, test } from "vitest";
import { clientOf } from "../../testing/client.js";
import { eventually } from "../../testing/eventually.js";
import { proxyOf } from "../../testing/proxy.js";
import { Server } from "../../testing/server.js";

test("an edge that a proxy has below a path is reached there, by REST and by Socket.IO", async () => {
  const server = await Server.forTest();
  const url = await proxyOf(server, (request, response) => {
    const [, rest] = /^\/below(\/.*)$/.exec(request.url ?? "") ?? [];
    if (rest) request.url = rest;
    else response.writeHead(404).end();
    return !rest;
  });
  const client = clientOf(server, { url: `${url}/below/`, transports: ["polling"] });
  const { job_id } = await client.createJob({ kind: "render" });
  const job = client.job(job_id);
  const stop = job.subscribe(() => {});
  await eventually("it is live", () => job.get().phase === "live");
  stop();
});

test.each(["localhost", "localhost:8000", "/below"])("%s is no address", (url) => {
  expect(() => new RoomcastClient({ url })).toThrow(TypeError);
});

test("outside of pages no address is needed: a page that a server renders connects nowhere", () => {
  expect(new RoomcastClient().connection.get().phase).toBe("idle");
});
