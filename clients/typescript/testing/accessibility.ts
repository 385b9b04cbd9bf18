import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";
import { expect } from "vitest";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** Fails when people with assistive technology, or weak eyes, could not use the page; light or dark. */
export async function expectAccessible(page: Page): Promise<void> {
  // Not as a tag: a page may forbid scripts that are not its own.
  await page.evaluate(await readFile(AXE, "utf8"));
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await page.evaluate(
      () => (globalThis as never as { axe: { run(): Promise<AxeResults> } }).axe.run(),
    );
    const told = violations.map(({ id, nodes }) => `${colorScheme}: ${id}: ${nodes.map((node) => node.html).join(" ")}`);
    expect(told).toEqual([]);
  }
}
