import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { Server } from "../testing/server.js";
import { Worker } from "../testing/worker.js";

const ROOT = new URL("..", import.meta.url).pathname;
const GUIDES = new URL("../../../docs/guides/", import.meta.url).pathname;

/** The blocks of a guide in one language. */
function blocks(guide: string, language: string): string[] {
  const text = readFileSync(join(GUIDES, guide), "utf8");
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map(([, code]) => code ?? "");
}

/** A folder in which the packages are found, for these files. */
function project(files: Readonly<Record<string, string>>): string {
  mkdirSync(join(ROOT, "dist"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, "dist/docs-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const options = { outDir: "out", types: ["node"], noUnusedLocals: false };
  const config = { extends: "../../tsconfig.base.json", compilerOptions: options, include: ["*"] };
  const css = 'declare module "*.css";\n';
  const all = { ...files, "css.d.ts": css, "tsconfig.json": JSON.stringify(config), "package.json": '{"type": "module"}' };
  for (const [name, text] of Object.entries(all)) writeFileSync(join(folder, name), text);
  return folder;
}

function compile(folder: string): void {
  execFileSync("tsc", ["--project", folder], { stdio: "inherit" });
}

test("the guide for JavaScript runs as it stands", async () => {
  const server = await Server.forTest({ arguments: ["--rooms", "news"] });
  const code = blocks("javascript.md", "ts").join("\n").replace("http://127.0.0.1:8000", server.url);
  const folder = project({ "guide.ts": code });
  compile(folder);
  const running = promisify(execFile)(process.execPath, [join(folder, "out/guide.js")]);
  const lease = await new Worker(server.core).lease("demo");
  await lease.progress(50, "halfway");
  await lease.write("a page\n");
  await lease.complete({ pages: 3 });
  // It ends by itself: nothing that it looked at keeps it.
  const { stdout } = await running;
  for (const said of [
    "ended: completed { pages: 3 }",
    "wrote: a page",
    "newest: demo completed",
    "room: headline hello",
    "name: 'A'",
    "refused: job_not_found",
  ]) {
    expect(stdout).toContain(said);
  }
});

test("the guide for React has its types right", () => {
  const pages = blocks("react.md", "tsx").map((code, index) => [`block${index}.tsx`, code] as const);
  expect(pages.length).toBeGreaterThan(3);
  compile(project(Object.fromEntries(pages)));
});
