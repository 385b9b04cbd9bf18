import { audit, jobsOf, session } from "@roomcast/client";
import type { Envelope, Readable, RoomcastClient, TopicState } from "@roomcast/client";

/** What is followed over the socket. */
export type Followed = Readable<TopicState<unknown>> & {
  on(reader: (event: { readonly name: string; readonly data: Envelope }) => void): () => void;
};

/** How a topic is followed; nothing, where there can be none of that name. */
export function liveOf(client: RoomcastClient, topic: string): Followed | undefined {
  const [, kind, name = ""] = /^(\w+):(.+)$/.exec(topic) ?? [];
  switch (kind) {
    case "job":
      return client.job(name);
    case "session":
      return session(client, name);
    case "room":
      return client.room(name);
    case "project":
      return jobsOf(client, { project: name });
    case "user":
      return jobsOf(client, { user: userOf(name) });
    default:
      return topic === "audit:log" ? audit(client) : undefined;
  }
}

/** Whose topic it is: in its name every byte but letters, digits, `_` and `-` is `.hh`. */
function userOf(name: string): string {
  const escaped = name.replaceAll(/\.([0-9a-f]{2})/g, "%$1");
  try {
    return decodeURIComponent(escaped);
  } catch {
    return name;
  }
}
