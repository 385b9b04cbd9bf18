import { RoomcastClient } from "@roomcast/client";
import { onTestFinished } from "vitest";
import { Server } from "../../../clients/typescript/testing/server.js";
import { Worker, type Lease } from "../../../clients/typescript/testing/worker.js";

/** The most that a worker writes at once. */
const PIECE = Buffer.alloc(256 * 1024, "0123456789abcdef\n");

/** A running job that has written much, and its server. */
export interface Loud {
  readonly url: string;
  readonly client: RoomcastClient;
  readonly jobId: string;
  readonly lease: Lease;
}

/** A job that has written so many pieces of 256 KiB. */
export async function loud(pieces: number): Promise<Loud> {
  const { url, core } = await Server.forTest();
  const client = new RoomcastClient({ url });
  onTestFinished(() => client.close());
  const { job_id } = await client.createJob({ kind: "loud" });
  const lease = await new Worker(core).lease("loud");
  for (let written = 0; written < pieces; written += 1) await lease.write(PIECE);
  return { url, client, jobId: job_id, lease };
}
