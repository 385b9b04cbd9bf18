import { io, type Socket } from "socket.io-client";
import { Backoff } from "./backoff.js";
import { RoomcastError, type Fault } from "./error.js";
import { isWithoutNetwork, watchPage } from "./page.js";
import type { Phase } from "./phase.js";
import { Listeners, type Readable } from "./store.js";
import type { Tokens } from "./token.js";

/** After this long without a connection it is `offline` and no longer `stale`. */
const OFFLINE_AFTER_MS = 10_000;
/** A fresh token that is not acknowledged in this time is asked for anew. */
const ANSWER_MS = 20_000;
/** A fresh token mends these. */
const TOKEN_CODES = ["unauthenticated", "token_invalid", "token_expired"];
/** Nothing that a client does mends these. */
const FATAL_CODES = ["token_revoked", "user_unknown", "user_disabled", "malformed_message"];

/** The one connection of a client. */
export interface ConnectionState {
  readonly phase: Phase;
  /** Why it is `closed`, or what the last try met. */
  readonly error?: RoomcastError | undefined;
  /** Who the server takes this client for. */
  readonly userId?: string | undefined;
  /** When it was lost, in the clock of `Date.now()`. */
  readonly lostAt?: number;
}

/** What a connection brings. */
export interface Inlet {
  /** There is a connection again: everything must be joined. */
  connected(): void;
  /** There is none. */
  lost(phase: Phase, error?: RoomcastError): void;
  /** An event of a topic came. */
  receive(name: string, payload: Record<string, unknown>): void;
  /** The server refused something by itself. */
  refused(fault: Fault): void;
}

/** How to connect. */
export interface ConnectionOptions {
  readonly transports?: readonly ("websocket" | "polling")[] | undefined;
  /** Of Socket.IO's door, where it is not `socket.io/` below the address. */
  readonly path?: string | undefined;
  /** Longest wait between two tries. */
  readonly reconnectMaxMs?: number | undefined;
}

/** Connects, comes back by itself, renews its token, and says where it stands. */
export class Connection implements Readable<ConnectionState> {
  #state: ConnectionState = { phase: "idle" };
  #isWanted = false;
  #isDestroyed = false;
  #hasRefreshed = false;
  #ending: { reason: string; retry_after_ms?: number } | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #offline: ReturnType<typeof setTimeout> | undefined;
  readonly #socket: Socket;
  readonly #listeners = new Listeners();
  readonly #backoff: Backoff;
  #forgetPage = () => {};

  constructor(
    url: string,
    options: ConnectionOptions,
    private readonly tokens: Tokens,
    private readonly inlet: Inlet,
  ) {
    this.#backoff = new Backoff(options.reconnectMaxMs);
    // A path in the address itself would be a namespace to Socket.IO.
    const { origin, pathname } = new URL("socket.io/", `${url}/`);
    // Coming back is ours: one way for lost connections and for refused ones, and none shared.
    this.#socket = io(origin, {
      autoConnect: false,
      reconnection: false,
      forceNew: true,
      path: options.path ?? pathname,
      transports: (options.transports ?? ["websocket", "polling"]) as string[],
      tryAllTransports: true,
    });
    this.#listen();
  }

  get(): ConnectionState {
    return this.#state;
  }

  subscribe(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  get isOpen(): boolean {
    return this.#socket.connected;
  }

  /** Somebody needs it. After a refusal that is final this is another try. */
  open(): void {
    // Whoever begins to look is told as those were who looked.
    if (this.#isDestroyed) return this.destroy();
    if (this.#isWanted) return;
    this.#isWanted = true;
    // Not before: a client that was made in vain, as by a render that is thrown away, leaves nothing behind.
    this.#forgetPage = watchPage(() => this.#wake());
    this.#set({ phase: "connecting" });
    void this.#connect();
  }

  /** Nobody needs it. */
  close(): void {
    if (!this.#isDestroyed) this.#stop({ phase: "idle" });
  }

  /** As {@link close}, and for good. */
  destroy(): void {
    this.#isDestroyed = true;
    this.#end("client_closed", "the client was closed");
  }

  /** Emits, and calls back with the answer, in order with the events around it. Never, if it is lost. */
  ask(name: string, argument: object, answered: (answer: unknown) => void): void {
    this.#socket.emit(name, argument, answered);
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on("connect", () => this.#connected());
    socket.on("disconnect", () => this.#lost());
    socket.on("connect_error", (error) => this.#failed(error));
    socket.on("closing", (closing) => (this.#ending = closing));
    socket.on("connected", ({ user_id }) => this.#set({ ...this.#state, userId: user_id }));
    socket.on("token_expiring", () => void this.#renew());
    socket.on("error", (fault: Fault) => this.inlet.refused(fault));
    socket.onAny((name: string, payload?: Record<string, unknown>) => {
      if (payload?.["event_id"]) this.inlet.receive(name, payload);
    });
  }

  async #connect(): Promise<void> {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    try {
      const token = await this.tokens.get();
      if (!this.#isWanted) return;
      // What nobody looks at need not come.
      this.#socket.auth = { dashboard: false, ...(token && { token }) };
      this.#socket.connect();
    } catch (error) {
      if (this.#isWanted) this.#comeBack(error as RoomcastError);
    }
  }

  #connected(): void {
    this.#stopTimers();
    this.#backoff.reset();
    this.#hasRefreshed = false;
    this.#ending = undefined;
    this.#set({ phase: "live" });
    this.inlet.connected();
  }

  #lost(): void {
    if (!this.#isWanted) return;
    const { reason = "", retry_after_ms } = this.#ending ?? {};
    if (this.#isFinal(reason)) this.#end(reason, "the server ended it");
    else this.#comeBack(undefined, retry_after_ms);
  }

  /** A connection that did not come about: the server's refusal begins with a code. */
  #failed(failure: Error): void {
    const [, code, message = ""] = /^([a-z_]+): (.*)$/s.exec(failure.message) ?? [];
    if (!this.#isWanted) return;
    if (!code) return this.#comeBack(new RoomcastError("unreachable", failure.message, true));
    if (this.#isFinal(code)) return this.#end(code, message);
    if (!TOKEN_CODES.includes(code)) return this.#comeBack(new RoomcastError(code, message, true));
    this.#hasRefreshed = true;
    void this.#connect();
  }

  /** Whether nothing mends it that a client does; what a fresh token mends may be tried once, with one. */
  #isFinal(code: string): boolean {
    if (!TOKEN_CODES.includes(code)) return FATAL_CODES.includes(code);
    this.tokens.forget();
    return !this.tokens.canRefresh || this.#hasRefreshed;
  }

  #end(code: string, message: string): void {
    const error = new RoomcastError(code, message);
    this.tokens.forget();
    this.#hasRefreshed = false;
    this.#stop({ phase: "closed", error });
    this.inlet.lost("closed", error);
  }

  #stop(state: ConnectionState): void {
    this.#isWanted = false;
    this.#stopTimers();
    this.#forgetPage();
    this.#socket.disconnect();
    this.#set(state);
  }

  #comeBack(error?: RoomcastError, wait = this.#backoff.next()): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#connect(), wait);
    const { phase } = this.#state;
    const isOffline = phase === "offline" || isWithoutNetwork();
    this.#away(isOffline ? "offline" : phase === "connecting" ? phase : "stale", error);
    this.#offline ??= setTimeout(() => this.#away("offline", error), OFFLINE_AFTER_MS);
  }

  #away(phase: Phase, error?: RoomcastError): void {
    const { userId, lostAt = Date.now() } = this.#state;
    this.#set({ phase, error, userId, lostAt });
    this.inlet.lost(phase);
  }

  /** A fresh token for the connection that lives. Failing that it ends with the old one, and comes back. */
  async #renew(): Promise<void> {
    try {
      const token = this.tokens.canRefresh && (await this.tokens.refresh());
      if (token && this.isOpen) await this.#socket.timeout(ANSWER_MS).emitWithAck("authenticate", { token });
    } catch {
      this.tokens.forget();
    }
  }

  /** The page is looked at again, or the network is another: a try tells what a wait does not. */
  #wake(): void {
    // Writing shows at once whether a connection survived the sleep.
    if (this.isOpen) this.#socket.emit("ping");
    else if (this.#retry !== undefined) void this.#connect();
  }

  #stopTimers(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#offline);
    this.#retry = this.#offline = undefined;
  }

  #set(state: ConnectionState): void {
    this.#state = state;
    this.#listeners.tell();
  }
}
