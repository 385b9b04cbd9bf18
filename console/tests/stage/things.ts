import { RoomcastClient } from "@roomcast/client";
import { onTestFinished } from "vitest";
import { Worker, type Lease } from "../../../clients/typescript/testing/worker.js";

/** What there is to look at. */
export interface Things {
  readonly client: RoomcastClient;
  readonly jobId: string;
  readonly lease: Lease;
  readonly failedId: string;
  readonly projectId: string;
  readonly sessionId: string;
}

interface Place {
  readonly url: string;
  readonly core: string;
}

/** A running job, a failed one, a session with a small graph, and a word in a room. */
export async function thingsOf({ url, core }: Place, token?: string): Promise<Things> {
  const client = new RoomcastClient({ url, getToken: () => token });
  onTestFinished(() => client.close());
  const worker = new Worker(core);
  const failed = await client.createJob({ kind: "index" });
  const failing = await worker.lease("index");
  await failing.progress(20, "reading");
  await failing.fail("index.corrupt", "a segment has a wrong checksum");
  const { job_id } = await client.createJob({ kind: "render", input: { pages: 3 }, labels: { team: "docs" } });
  const lease = await worker.lease("render");
  await lease.progress(40, "page 2 of 5");
  await lease.write("\u001b[32mpage 1\u001b[0m done\n");
  const project = await client.request<{ id: string }>("/projects", { method: "POST", body: { name: "Plans" } });
  const { session_id } = await client.request<{ session_id: string }>(`/projects/${project.id}/sessions`, {
    method: "POST",
    body: { name: "Harbour" },
  });
  await draw(client, session_id);
  await client.room("agents").publish("agent_status_update", { agent_id: "a1", status: "idle" });
  return { client, jobId: job_id, lease, failedId: failed.job_id, projectId: project.id, sessionId: session_id };
}

async function draw(client: RoomcastClient, session_id: string): Promise<void> {
  const commands = [
    { type: "create_node", node_id: "site", node_type: "place", name: "Site" },
    { type: "create_node", node_id: "quay", node_type: "structure", name: "Quay", parent_id: "site" },
  ];
  await client.request("/commands/execute", {
    method: "POST",
    body: { session_id, command: { type: "batch", commands } },
  });
}
