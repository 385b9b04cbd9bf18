// Compresses what the build left, and fails when the console has grown beyond what it may weigh on the wire.
// Socket.IO's own browser client is laid beside it, for the edge to serve to pages of that world.
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

/** React and Socket.IO's client are four fifths of the script; over a phone's network all of it takes a second. */
const BUDGET_BYTES = { ".js": 120 * 1024, ".css": 12 * 1024, ".html": 2 * 1024 };

const CLIENT = "socket.io.min.js";

const folder = new URL("../dist/", import.meta.url);
const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && !/\.(br|gz)$/.test(entry.name))
  .map((entry) => `${entry.parentPath}/${entry.name}`);
const weights = Object.fromEntries(Object.keys(BUDGET_BYTES).map((ending) => [ending, 0]));

for (const file of files) {
  const plain = readFileSync(file);
  const gzip = gzipSync(plain, { level: 9 });
  writeFileSync(`${file}.gz`, gzip);
  writeFileSync(
    `${file}.br`,
    brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: plain.length } }),
  );
  weights[/\.\w+$/.exec(file)?.[0] ?? ""] += gzip.length;
}
copyFileSync(new URL(`../node_modules/socket.io-client/dist/${CLIENT}`, import.meta.url), new URL(CLIENT, folder));
for (const [ending, bytes] of Object.entries(weights)) {
  const budget = BUDGET_BYTES[ending];
  console.log(`${ending} ${(bytes / 1024).toFixed(1)} KB gzip${budget ? ` of ${budget / 1024} KB` : ""}`);
  if (!budget || bytes > budget) {
    console.error(`the console's ${ending} files are too large, or nobody expects them`);
    process.exitCode = 1;
  }
}
