import type { Browser, BrowserContext, Page } from "playwright-core";
import { expect, onTestFinished } from "vitest";
import { browser, watchErrors } from "../../../clients/typescript/testing/browser.js";

/** Somebody with a browser. Whatever a page complains of, and whatever its policy forbids, fails the test. */
export class Visitor {
  private constructor(
    readonly context: BrowserContext,
    private readonly url: string,
  ) {}

  static async of(url: string, started?: Browser): Promise<Visitor> {
    return new Visitor(await (started ?? (await browser())).newContext(), url);
  }

  /** Opens a page of the console by its address. */
  async open(path: string): Promise<Page> {
    const page = await this.context.newPage();
    watchErrors(page);
    await watchPolicy(page);
    await this.go(page, path);
    return page;
  }

  /** Types another address. */
  async go(page: Page, path: string): Promise<void> {
    await page.goto(`${this.url}/console${path}`);
  }
}

/** The policy is broken where a script, a style or a request is not the console's own. */
async function watchPolicy(page: Page): Promise<void> {
  const violations: string[] = [];
  await page.exposeFunction("violated", (what: string) => violations.push(what));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) => {
      (globalThis as never as { violated(what: string): void }).violated(`${effectiveDirective} ${blockedURI}`);
    });
  });
  onTestFinished(() => expect(violations).toEqual([]));
}
