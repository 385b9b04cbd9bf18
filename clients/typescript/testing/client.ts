import { RoomcastClient, type RoomcastOptions } from "@roomcast/client";
import { onTestFinished } from "vitest";
import type { Server } from "./server.js";

/** A client that comes back fast, and goes with the test. */
export function clientOf(server: Server, options: RoomcastOptions = {}): RoomcastClient {
  const client = new RoomcastClient({ url: server.url, reconnectMaxMs: 200, ...options });
  onTestFinished(() => client.close());
  return client;
}
