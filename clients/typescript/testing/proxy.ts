import { createServer, request as ask, type IncomingMessage, type ServerResponse } from "node:http";
import { onTestFinished } from "vitest";
import { freePort } from "./port.js";
import type { Server } from "./server.js";

/** Answers in the server's stead, or leaves it to the server by answering false. */
export type Interfere = (request: IncomingMessage, response: ServerResponse) => boolean;

/** What stands between a client and a server, and spoils answers. It passes on requests, no WebSockets. */
export async function proxyOf(server: Server, interfere: Interfere): Promise<string> {
  const port = await freePort();
  const proxy = createServer((request, response) => {
    if (interfere(request, response)) return;
    const { method, headers, url = "" } = request;
    const onward = ask(new URL(url, server.url), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => proxy.listen(port, "127.0.0.1", resolve));
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return `http://127.0.0.1:${port}`;
}

/** The beginning of an answer, and then nothing: who gave it has died. */
export function breakOff(response: ServerResponse): void {
  response.writeHead(200, { "content-length": 1000 });
  response.write('{"job_id": ', () => response.destroy());
}
