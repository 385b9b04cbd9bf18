import { existsSync } from "node:fs";
import { chromium, type Browser, type Page } from "playwright-core";
import { expect, onTestFinished } from "vitest";

const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
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
/** What Chromium itself writes while a server is away. */
const OUTAGE = /net::ERR_|WebSocket connection to|Failed to load resource/;

/** A headless Chromium for one test. */
export async function browser(): Promise<Browser> {
  if (!existsSync(CHROMIUM)) throw new Error(`there is no Chromium at ${CHROMIUM}: run make setup`);
  const started = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  onTestFinished(() => started.close());
  return started;
}

/**
 * Fails the test when the page complains of anything but a server that is away, and tells what the page
 * of a failed test showed.
 */
export function watchErrors(page: Page): void {
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !OUTAGE.test(message.text())) errors.push(message.text());
  });
  onTestFinished(async ({ task }) => {
    if (task.result?.state === "fail") console.error(page.url(), await page.locator("body").innerText());
    expect(errors).toEqual([]);
  });
}
