import type { Envelope, EventMap, Usage } from "./generated/wire.js";

/** An event of a topic's log; `event.name` tells which. */
export type TopicEvent =
  | { [Name in keyof EventMap]: { readonly name: Name; readonly data: EventMap[Name] } }[keyof EventMap]
  | { readonly name: "vibecode_response"; readonly data: AgentAnswer & Envelope };

/** The events of jobs, an agent's own among them. */
export type JobEvent = Extract<TopicEvent, { name: `job_${string}` | "token_usage" | "vibecode_response" }>;

/** An agent's answer to a message: a patch that applies, and what the model's API says it cost. */
export interface AgentAnswer {
  readonly job_id: string;
  readonly attempt: number;
  readonly type: "vibecode_response";
  readonly session_id: string;
  /** A unified diff. */
  readonly patch: string;
  /** The files that it touches. */
  readonly files: readonly string[];
  /** What else the model said. */
  readonly message: string;
  readonly model: string;
  readonly token_usage: Omit<Usage, "model">;
}

/** An event that a publisher named. */
export interface PublishedEvent<T = Record<string, unknown>, N = string> {
  readonly name: N;
  readonly data: Envelope & T;
}

/** What a room's events say, by their names, where an application does not tell. */
export type AnyEvents = Record<string, Record<string, unknown>>;

/** An event of a room whose events are known, such as `{ headline: { text: string } }`. */
export type EventOf<E extends object> = {
  [N in keyof E & string]: PublishedEvent<E[N], N>;
}[keyof E & string];

/** What every payload has, and whatever else. */
export type Payload = Envelope & Record<string, unknown>;
