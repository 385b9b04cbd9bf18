import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { expect, test } from "vitest";

const ROOT = new URL("..", import.meta.url).pathname;
/** What a page pays for jobs, rooms and the connection, beside socket.io-client. */
const CORE_BYTES_MAX = 6 * 1024;
/** The same with sessions. */
const CLIENT_BYTES_MAX = 8 * 1024;
/** All hooks and the component, beside React and the client. */
const REACT_BYTES_MAX = 2 * 1024;

/** Bytes of a bundle as a browser gets it: minified, without the packages beside it, gzipped. */
async function size(code: string, beside: readonly string[]): Promise<number> {
  const entry = "\0entry";
  const output = await build({
    root: ROOT,
    configFile: false,
    logLevel: "error",
    plugins: [
      {
        name: "entry",
        resolveId: (id) => (id === "entry" ? entry : null),
        load: (id) => (id === entry ? code : null),
      },
    ],
    build: {
      write: false,
      target: "es2022",
      minify: "esbuild",
      modulePreload: false,
      rollupOptions: { input: "entry", external: [...beside], preserveEntrySignatures: "strict" },
    },
  });
  const { output: [chunk] } = output as unknown as { output: [{ code: string }] };
  return gzipSync(chunk.code, { level: 9 }).length;
}

test("the client is small", async () => {
  const client = `${ROOT}client/dist/esm/index.js`;
  const core = await size(`export { RoomcastClient } from "${client}"`, ["socket.io-client"]);
  expect(core).toBeLessThanOrEqual(CORE_BYTES_MAX);
  expect(core).toBeGreaterThan(CORE_BYTES_MAX / 2);
  const all = await size(`export { RoomcastClient, session } from "${client}"`, ["socket.io-client"]);
  expect(all).toBeLessThanOrEqual(CLIENT_BYTES_MAX);
  expect(all).toBeGreaterThan(core);
});

test("the hooks are small", async () => {
  const beside = ["react", "react/jsx-runtime", "@roomcast/client"];
  const all = await size(`export * from "${ROOT}react/dist/esm/index.js"`, beside);
  expect(all).toBeLessThanOrEqual(REACT_BYTES_MAX);
  expect(all).toBeGreaterThan(REACT_BYTES_MAX / 2);
});

test.each(["@roomcast/client", "@roomcast/react"])("%s is imported and required alike", async (name) => {
  const required = createRequire(import.meta.url)(name) as object;
  // In a Node of its own: here the bundler of the tests would answer.
  const code = `import("${name}").then((it) => console.log(Object.keys(it).sort().join()))`;
  const imported = execFileSync(process.execPath, ["--eval", code], { cwd: ROOT, encoding: "utf8" });
  expect(Object.keys(required).sort().join()).toBe(imported.trim());
});

test("the client depends on socket.io-client and on nothing else, the hooks on nothing", () => {
  const dependencies = (name: string) => {
    const manifest = JSON.parse(readFileSync(`${ROOT}${name}/package.json`, "utf8"));
    return Object.keys(manifest.dependencies ?? {});
  };
  expect(dependencies("client")).toEqual(["socket.io-client"]);
  expect(dependencies("react")).toEqual([]);
});
