import type { AnyEvents, EventOf, Payload } from "./event.js";
import type { Envelope } from "./generated/wire.js";
import { Live } from "./live.js";
import type { Rest } from "./rest.js";
import type { Fold, Kind } from "./topic.js";
import type { Topics } from "./topics.js";

/** The last event of each name. */
export type LastEvents<E extends object = AnyEvents> = string extends keyof E
  ? Readonly<Record<string, Payload>>
  : { readonly [N in keyof E & string]?: Envelope & E[N] };

/** What was published. */
export interface Published {
  readonly event_id: string;
  readonly cursor: string;
  readonly offset: number;
}

/**
 * A room, live: its value is the last event of each name; `on` tells every one. A room that is declared
 * with `last` begins with those that were there.
 */
export class LiveRoom<E extends object = AnyEvents> extends Live<LastEvents<E>, EventOf<E>> {
  /** @internal */
  constructor(
    topics: Topics,
    private readonly rest: Rest,
    readonly room: string,
  ) {
    super(topics, `room:${room}`, () => kind(room) as Kind<LastEvents<E>>);
  }

  /** Publishes; answered once it is durable. For services and admins. @throws RoomcastError */
  publish<N extends keyof E & string>(
    name: N,
    data: string extends keyof E ? object : E[N],
    idempotencyKey?: string,
  ): Promise<Published> {
    const body = { type: name, data };
    const path = `/topics/${encodeURIComponent(this.key)}/events`;
    return this.rest.json(path, { method: "POST", body, idempotencyKey });
  }
}

function kind(room: string): Kind<LastEvents> {
  return {
    join: ["join_room", { room }],
    leave: ["leave_room", { room }],
    fold: new RoomFold(),
  };
}

/** The last event of each name. */
export class RoomFold implements Fold<LastEvents> {
  value: LastEvents | undefined;

  /** What the room keeps follows, each event under its name. */
  reset(): void {
    this.value = {};
  }

  apply(name: string, payload: Payload): void {
    this.value = { ...this.value, [name]: payload };
  }
}
