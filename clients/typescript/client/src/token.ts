import { RoomcastError } from "./error.js";
import { within } from "./limit.js";

/** Who gives a token asks an issuer, which answers in moments or is not well. */
const GET_TOKEN_MAX_MS = 10_000;

/**
 * Gives the token of this moment, in 10 s at most. Called again whenever the last one is over or about to be.
 */
export type GetToken = () => string | undefined | Promise<string | undefined>;

/** The user's token, asked for once at a time however many need it. */
export class Tokens {
  /** The last one; none, if another is to be asked for. */
  #last: Promise<string | undefined> | undefined;
  #asking: Promise<string | undefined> | undefined;

  constructor(private readonly source: GetToken | undefined) {}

  get canRefresh(): boolean {
    return this.source !== undefined;
  }

  /** @throws RoomcastError `token_unavailable` */
  get(): Promise<string | undefined> {
    return this.#last ?? this.refresh();
  }

  /** @throws RoomcastError `token_unavailable` */
  refresh(): Promise<string | undefined> {
    return (this.#last = this.#asking ??= this.#ask());
  }

  /** The token was refused: the next that needs one asks for another. */
  forget(): void {
    this.#last = undefined;
  }

  async #ask(): Promise<string | undefined> {
    try {
      return await within(GET_TOKEN_MAX_MS, async () => this.source?.());
    } catch (cause) {
      this.forget();
      const mend = "see why getToken fails";
      throw new RoomcastError("token_unavailable", `getToken failed: ${cause as string}`, true, { cause, mend });
    } finally {
      // Before anybody hears of the end: who asks in between would remember a failure.
      this.#asking = undefined;
    }
  }
}
