/** A repetition comes soon or never: this many are remembered. */
const REMEMBERED_MAX = 256;

/** The newest ids, to tell what has been there already. */
export class Recent {
  readonly #ids = new Set<string>();

  /** Whether it is new; from here on it is not. */
  add(id: string): boolean {
    if (this.#ids.has(id)) return false;
    this.#ids.add(id);
    const [oldest] = this.#ids;
    if (this.#ids.size > REMEMBERED_MAX) this.#ids.delete(oldest as string);
    return true;
  }

  clear(): void {
    this.#ids.clear();
  }
}
