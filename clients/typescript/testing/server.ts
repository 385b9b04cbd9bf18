import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { eventually } from "./eventually.js";
import { freePort } from "./port.js";
import { RoomcastProcess } from "./process.js";

/** How a server runs. */
export interface ServerOptions {
  /** Arguments of `roomcast dev`. */
  readonly arguments?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** `roomcast dev` on ports of its own: it can be killed and started again where it was. */
export class Server {
  #process: RoomcastProcess | undefined;

  private constructor(
    private readonly folder: string,
    private readonly http: number,
    private readonly grpc: number,
    private readonly options: ServerOptions,
  ) {}

  static async start(options: ServerOptions = {}): Promise<Server> {
    const folder = await mkdtemp(join(tmpdir(), "roomcast-typescript-"));
    const server = new Server(folder, await freePort(), await freePort(), options);
    await server.start();
    return server;
  }

  /** For one test, and gone with it. */
  static async forTest(options: ServerOptions = {}): Promise<Server> {
    const server = await Server.start(options);
    onTestFinished(() => server.remove());
    return server;
  }

  /** Where browsers go. */
  get url(): string {
    return `http://127.0.0.1:${this.http}`;
  }

  /** Where workers go. */
  get core(): string {
    return `127.0.0.1:${this.grpc}`;
  }

  async start(): Promise<void> {
    const args = ["dev", "--http", `127.0.0.1:${this.http}`, "--grpc", this.core];
    args.push("--data-dir", join(this.folder, "data"), ...(this.options.arguments ?? []));
    const started = (this.#process = new RoomcastProcess(args, this.options.env));
    await eventually("the server is ready", async () => {
      if (!started.isRunning) throw new Error(`it has ended:\n${started.log.join("")}`);
      const answer = await fetch(`${this.url}/readyz`).catch(() => undefined);
      return answer?.ok && started.isRunning;
    });
  }

  /** `kill -9`, unless the signal is another. */
  async kill(signal?: NodeJS.Signals): Promise<void> {
    await this.#process?.kill(signal);
  }

  /** Starts again without its data: another history at the same address. */
  async forget(): Promise<void> {
    await this.kill();
    await rm(join(this.folder, "data"), { recursive: true });
    await this.start();
  }

  /** Starts again with the data of another, which ends: its history at this address. */
  async become(other: Server): Promise<void> {
    await this.kill();
    await other.kill();
    await rm(join(this.folder, "data"), { recursive: true });
    await rename(join(other.folder, "data"), join(this.folder, "data"));
    await this.start();
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  async remove(): Promise<void> {
    const faults = this.#process?.faults() ?? [];
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
    if (faults.length > 0) throw new Error(`the server logged errors:\n${faults.join("\n")}`);
  }
}
