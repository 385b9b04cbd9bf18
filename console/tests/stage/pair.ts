import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { eventually } from "../../../clients/typescript/testing/eventually.js";
import { freePort } from "../../../clients/typescript/testing/port.js";
import { RoomcastProcess } from "../../../clients/typescript/testing/process.js";

/** A core and an edge in processes of their own: each dies and comes back without the other. */
export class Pair {
  #core: RoomcastProcess | undefined;
  #edge: RoomcastProcess | undefined;

  private constructor(
    private readonly folder: string,
    private readonly http: number,
    private readonly grpc: number,
  ) {}

  static async start(): Promise<Pair> {
    const folder = await mkdtemp(join(tmpdir(), "roomcast-console-"));
    const pair = new Pair(folder, await freePort(), await freePort());
    onTestFinished(() => pair.#remove());
    await pair.startCore();
    await pair.startEdge();
    return pair;
  }

  get url(): string {
    return `http://127.0.0.1:${this.http}`;
  }

  get core(): string {
    return `127.0.0.1:${this.grpc}`;
  }

  async startCore(): Promise<void> {
    this.#core = new RoomcastProcess(["core", "--dev", "--listen", this.core, "--data-dir", join(this.folder, "data")]);
    if (this.#edge) await this.#isReady();
  }

  async startEdge(): Promise<void> {
    this.#edge = this.#edgeAt(`127.0.0.1:${this.http}`);
    await this.#isReady();
  }

  /** An edge more, of the same core. Answers where it is. */
  async startAnotherEdge(): Promise<string> {
    const listen = `127.0.0.1:${await freePort()}`;
    const edge = this.#edgeAt(listen);
    onTestFinished(() => edge.kill());
    await eventually("the other edge is ready", async () => {
      const answer = await fetch(`http://${listen}/readyz`).catch(() => undefined);
      return answer?.ok === true && edge.isRunning;
    });
    return `http://${listen}`;
  }

  #edgeAt(listen: string): RoomcastProcess {
    const core = `http://${this.core}`;
    return new RoomcastProcess(["edge", "--dev", "--auth", "dev", "--listen", listen, "--core", core]);
  }

  /** `kill -9`. */
  async killCore(): Promise<void> {
    await this.#core?.kill();
  }

  async killEdge(): Promise<void> {
    await this.#edge?.kill();
  }

  /** Every connection of a browser ends, as for one that answers nothing. */
  async dropSockets(): Promise<void> {
    const answer = await fetch(`${this.url}/connections`);
    const { connections } = (await answer.json()) as { readonly connections: readonly { readonly id: string }[] };
    for (const { id } of connections) await fetch(`${this.url}/connections/${id}/disconnect`, { method: "POST" });
  }

  #isReady(): Promise<true> {
    return eventually("the edge has its core", async () => {
      for (const process of [this.#core, this.#edge]) {
        if (process && !process.isRunning) throw new Error(`it has ended:\n${process.log.join("")}`);
      }
      const answer = await fetch(`${this.url}/readyz`).catch(() => undefined);
      return answer?.ok === true && true;
    });
  }

  async #remove(): Promise<void> {
    await this.killEdge();
    await this.killCore();
    await rm(this.folder, { recursive: true, force: true });
  }
}
