import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { RoomcastClient } from "@roomcast/client";
import { expect, onTestFinished, test, vi } from "vitest";
import { Tokens } from "../src/token.js";

const never = () => new Promise<string>(() => {});
const silence = (mend: string) => ({
  name: "RoomcastError",
  retryable: true,
  mend,
  cause: expect.objectContaining({ message: expect.stringMatching(/^no answer in \d+ ms$/) }) as Error,
});
const TOKEN = { ...silence("see why getToken fails"), code: "token_unavailable" };
const ANSWER = { ...silence("try again, with the same idempotencyKey"), code: "unreachable" };

/** Time goes by when the test says so. */
function paused(): void {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
}

/** A server that does no more than this with a request. `asked` is the first one, `left` that its client left. */
async function server(act: (response: ServerResponse) => void) {
  let hear = () => {};
  let leave = () => {};
  const asked = new Promise<void>((resolve) => (hear = resolve));
  const left = new Promise<void>((resolve) => (leave = resolve));
  const server = createServer((_, response) => {
    response.on("close", leave);
    act(response);
    hear();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, left };
}

test("a getToken that never answers fails in time, and is asked again", async () => {
  paused();
  let asked = 0;
  const tokens = new Tokens(() => ((asked += 1) === 1 ? never() : "given"));
  const refused = expect(tokens.get()).rejects.toMatchObject(TOKEN);
  await vi.advanceTimersByTimeAsync(10_000);
  await refused;
  await expect(tokens.get()).resolves.toBe("given");
});

test("a connection whose getToken never answers says so, and goes on trying", async () => {
  paused();
  let asked = 0;
  const getToken = () => ((asked += 1), never());
  const client = new RoomcastClient({ url: "http://127.0.0.1:9", getToken, reconnectMaxMs: 100 });
  onTestFinished(() => client.close());
  const stop = client.jobs().subscribe(() => {});
  await vi.advanceTimersByTimeAsync(10_000);
  expect(client.connection.get()).toMatchObject({ phase: "connecting", error: TOKEN });
  await vi.advanceTimersByTimeAsync(100);
  expect(asked).toBe(2);
  stop();
});

test.each([
  ["never comes", () => {}],
  ["never ends", (response: ServerResponse) => void response.writeHead(200).write("{")],
])("a request whose answer %s fails in time, and is given up", async (_, act) => {
  const { url, asked, left } = await server(act);
  paused();
  const refused = expect(new RoomcastClient({ url }).listJobs()).rejects.toMatchObject(ANSWER);
  await asked;
  await vi.advanceTimersByTimeAsync(30_000);
  await refused;
  await left;
});

test("a request whose token is refused, and whose next one never comes, fails in time", async () => {
  const { url, asked } = await server((response) => void response.writeHead(401).end());
  paused();
  let given = 0;
  const client = new RoomcastClient({ url, getToken: () => ((given += 1) === 1 ? "refused" : never()) });
  const refused = expect(client.listJobs()).rejects.toMatchObject(TOKEN);
  await asked;
  await vi.waitFor(() => expect(given).toBe(2));
  await vi.advanceTimersByTimeAsync(10_000);
  await refused;
});

test("who asks may stop waiting for the token", async () => {
  const client = new RoomcastClient({ url: "http://127.0.0.1:9", getToken: never });
  const controller = new AbortController();
  const waiting = client.listJobs({}, controller.signal);
  const enough = new Error("enough");
  controller.abort(enough);
  await expect(waiting).rejects.toBe(enough);
  await expect(client.listJobs({}, controller.signal)).rejects.toBe(enough);
});
