// Drives unmodified socket.io-clients in a page of a real Chromium, by the lines of client.mjs.
//
//   node page_client.mjs ADDRESS      the page's origin is that of ADDRESS; ends when its input ends
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { launch } from "./chromium.mjs";
import { hold } from "./contract.mjs";

const here = (path) => new URL(path, import.meta.url).pathname;
const tell = (observation) => process.stdout.write(`${JSON.stringify(observation)}\n`);
const held = hold(tell);

const browser = await launch();
// The page is whatever the edge shows; its policy forbids scripts that are not its own.
const page = await browser.newPage({ bypassCSP: true });
page.on("pageerror", (error) => console.error(error.message));
await page.exposeFunction("tell", held.tell);
await page.goto(process.argv[2]);
await page.addScriptTag({ path: here("node_modules/socket.io-client/dist/socket.io.min.js") });
await page.evaluate(
  async (sources) => {
    const load = (source) => import(`data:text/javascript,${encodeURIComponent(source)}`);
    const [{ application }, { fold }] = await Promise.all(sources.map(load));
    window.commands = application(window.io, window.tell, fold);
  },
  ["application.mjs", "graphs.mjs"].map((file) => readFileSync(here(file), "utf8")),
);

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const command = JSON.parse(line);
  held.heed(command);
  page.evaluate((command) => window.commands[command.op](command), command);
});
lines.on("close", async () => {
  await browser.close();
  process.exit(0);
});
tell({ id: "", state: "ready", detail: "" });
