import { readFile } from "node:fs/promises";
import { createServer, type Server as HttpServer } from "node:http";
import { extname, join } from "node:path";
import { onTestFinished } from "vitest";
import { freePort } from "./port.js";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
};

/** An application's pages on an origin of their own, as a build left them. */
export class Site {
  readonly #server: HttpServer;

  private constructor(
    private readonly port: number,
    folder: string,
    rewrite: (html: string) => string,
  ) {
    this.#server = createServer((request, response) => {
      const path = new URL(request.url ?? "/", this.url).pathname;
      const file = join(folder, path === "/" ? "index.html" : path);
      readFile(file, "utf8").then(
        (text) => {
          response.setHeader("content-type", TYPES[extname(file)] ?? "application/octet-stream");
          response.end(extname(file) === ".html" ? rewrite(text) : text);
        },
        () => response.writeHead(404).end(),
      );
    });
  }

  static async serve(folder: string, rewrite = (html: string) => html): Promise<Site> {
    const site = new Site(await freePort(), folder, rewrite);
    await new Promise<void>((resolve) => site.#server.listen(site.port, "127.0.0.1", resolve));
    onTestFinished(() => {
      site.#server.closeAllConnections();
      site.#server.close();
    });
    return site;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }
}
