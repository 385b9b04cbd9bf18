// Opens one address in a real headless Chromium and tells, one JSON object a line, what its page shows:
// whenever the text of the page or the value of its progress bar changes.
//
//   node page.mjs ADDRESS        ends when its input ends
import { launch } from "./chromium.mjs";

const tell = (observation) => process.stdout.write(`${JSON.stringify(observation)}\n`);

const browser = await launch();
const page = await browser.newPage();
page.on("pageerror", (error) => tell({ fault: error.message }));
page.on("console", (message) => {
  if (message.type() === "error") tell({ fault: message.text() });
});
await page.exposeFunction("shown", (text, bar) => tell({ text, bar }));
await page.addInitScript(() => {
  const look = () => {
    const bar = document.querySelector("[role=progressbar], progress");
    const value = bar?.getAttribute("aria-valuenow") ?? bar?.value ?? null;
    window.shown(document.body?.innerText ?? "", value === null ? null : Number(value));
  };
  addEventListener("DOMContentLoaded", () => {
    new MutationObserver(look).observe(document.body, {
      subtree: true,
      childList: true,
      characterData: true,
      attributes: true,
    });
    look();
  });
});
await page.goto(process.argv[2]);
tell({ opened: page.url() });

process.stdin.resume();
process.stdin.on("end", async () => {
  await browser.close();
  process.exit(0);
});
