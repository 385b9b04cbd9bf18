import { RoomcastError } from "./error.js";

/** Gives the token of this moment. Called again whenever the last one is over or about to be. */
export type GetToken = () => string | undefined | Promise<string | undefined>;

/** The user's token, asked for once at a time however many need it. */
export class Tokens {
  #token: string | undefined;
  #isKnown = false;
  #asking: Promise<string | undefined> | undefined;

  constructor(private readonly source: GetToken | undefined) {}

  get canRefresh(): boolean {
    return this.source !== undefined;
  }

  /** @throws RoomcastError `token_unavailable` */
  get(): Promise<string | undefined> {
    return this.#isKnown ? Promise.resolve(this.#token) : this.refresh();
  }

  /** @throws RoomcastError `token_unavailable` */
  refresh(): Promise<string | undefined> {
    return (this.#asking ??= this.#ask().finally(() => (this.#asking = undefined)));
  }

  /** The token was refused: the next that needs one asks for another. */
  forget(): void {
    this.#isKnown = false;
  }

  async #ask(): Promise<string | undefined> {
    try {
      this.#token = await this.source?.();
      this.#isKnown = true;
      return this.#token;
    } catch (error) {
      throw new RoomcastError("token_unavailable", `getToken failed: ${String(error)}`, true);
    }
  }
}
