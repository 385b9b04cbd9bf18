import { createServer, type Server } from "node:net";

/**
 * Below 32768, where the kernel begins to choose ports of outgoing connections: one of those could take
 * a killed server's port before it is back. Above those of the other tests of this tree.
 */
const FIRST = 32_000;
const COUNT = 700;
/** Whoever listens here at a port has reserved it: another test must not take it while its server is down. */
const RESERVED_AT = process.platform === "linux" ? "127.0.0.2" : "::1";
let next = (process.pid * 37) % COUNT;

/** A port of loopback that stays this process's own. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < COUNT; tries += 1) {
    next = (next + 1) % COUNT;
    const port = FIRST + next;
    const reservation = await listen(port, RESERVED_AT);
    const probe = reservation && (await listen(port, "127.0.0.1"));
    if (probe) {
      await new Promise((resolve) => probe.close(resolve));
      return port;
    }
    reservation?.close();
  }
  throw new Error("no port is free");
}

/** Listens until the process ends; nothing, if somebody else does. */
function listen(port: number, host: string): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer().unref();
    server.once("error", () => resolve(undefined));
    server.listen(port, host, () => resolve(server));
  });
}
