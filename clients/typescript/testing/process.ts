import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";

const BUILT = new URL("../../../target/debug/roomcast", import.meta.url).pathname;

/** A `roomcast` of its own. What it logs is kept; errors among it fail the test. */
export class RoomcastProcess {
  readonly log: string[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const binary = process.env["ROOMCAST_TEST_BINARY"] ?? BUILT;
    if (!existsSync(binary)) throw new Error(`${binary} is missing: cargo build --package roomcast`);
    this.#child = spawn(binary, args, {
      env: { ...process.env, ROOMCAST_LOG_FORMAT: "json", ...env },
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => this.log.push(text));
    this.#ended = new Promise((resolve) => this.#child.once("exit", resolve));
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    this.#child.kill(signal);
    await this.#ended;
  }

  /** What it complained of. */
  faults(): string[] {
    const lines = this.log.join("").split("\n");
    return lines.filter((line) => /"level":"ERROR"|panicked at/.test(line));
  }
}
