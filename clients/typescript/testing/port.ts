import { createServer } from "node:net";

/**
 * Below 32768, where the kernel begins to choose ports of outgoing connections: one of those could take
 * a killed server's port before it is back. Above those of the other tests of this tree.
 */
const FIRST = 32_000;
const COUNT = 700;
let next = (process.pid * 37) % COUNT;

/** A port of loopback on which nobody listens. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < COUNT; tries += 1) {
    next = (next + 1) % COUNT;
    if (await isFree(FIRST + next)) return FIRST + next;
  }
  throw new Error("no port is free");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
