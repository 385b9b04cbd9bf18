// A person's first minute with the console: opens the address that comes as the first line of input, goes to
// the room `agents`, presses Publish, and tells, as JSON, when the event has come back to the page live.
import { createInterface } from "node:readline";
import { launch } from "./chromium.mjs";

const tell = (observation) => process.stdout.write(`${JSON.stringify(observation)}\n`);

const browser = await launch();
const page = await browser.newPage();
page.on("pageerror", (error) => tell({ fault: error.message }));
tell({ ready: true });

for await (const address of createInterface({ input: process.stdin })) {
  await page.goto(address);
  tell({ opened: page.url() });
  await page.goto(new URL("/console/rooms/agents", address).href);
  await page.getByRole("button", { name: "Publish" }).click();
  // The panel of last values is fed over Socket.IO alone.
  await page.locator(".last").getByText("announcement").waitFor();
  tell({ live: await page.locator(".last").innerText() });
}
await browser.close();
