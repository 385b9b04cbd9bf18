import type { Session } from "@roomcast/client";
import type { ReactNode } from "react";
import type { SessionUse } from "../../api.js";
import { usePolled } from "../../data/polled.js";
import { useNews } from "../../data/use-news.js";
import { Usage } from "../job/usage.js";

/** What the session's jobs have used so far; its project tells of each that uses more. */
export function SessionUsage({ session: { session_id, project_id } }: { readonly session: Session }): ReactNode {
  const path = `/sessions/${encodeURIComponent(session_id)}`;
  const { data, refresh } = usePolled(path, (client, signal) => client.request<SessionUse>(path, { signal }));
  useNews(`project:${project_id}`, refresh);
  return <Usage usage={data?.usage ?? null} />;
}
