import type { Envelope, EventMap } from "./generated/wire.js";

/** An event of a topic's log; `event.name` tells which. */
export type TopicEvent = {
  [Name in keyof EventMap]: { readonly name: Name; readonly data: EventMap[Name] };
}[keyof EventMap];

/** An event that a publisher named. */
export interface PublishedEvent<T = Record<string, unknown>> {
  readonly name: string;
  readonly data: Envelope & T;
}

/** What every payload has, and whatever else. */
export type Payload = Envelope & Record<string, unknown>;
