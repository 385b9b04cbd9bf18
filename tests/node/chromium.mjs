// Starts a real headless Chromium. One that is missing ends the process and says what to do.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export async function launch() {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  if (!existsSync(executablePath)) {
    console.error(`there is no Chromium at ${executablePath}: run make setup`);
    process.exit(1);
  }
  return chromium.launch({ executablePath, args: FLAGS });
}
