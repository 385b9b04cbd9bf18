// Fails the build when the console has grown beyond what it may weigh on the wire.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

/** React and Socket.IO's client are four fifths of the script; a page over a phone's network stays under a second. */
const BUDGET_BYTES = { ".js": 120 * 1024, ".css": 12 * 1024 };

const folder = new URL("../dist/assets/", import.meta.url);
const files = readdirSync(folder);
for (const [ending, budget] of Object.entries(BUDGET_BYTES)) {
  const own = files.filter((file) => file.endsWith(ending));
  const bytes = own.reduce((sum, file) => sum + gzipSync(readFileSync(new URL(file, folder))).length, 0);
  console.log(`${ending} ${(bytes / 1024).toFixed(1)} KB of ${budget / 1024} KB gzip`);
  if (bytes > budget) {
    console.error(`the console's ${ending} files are too large: ${own.join(", ")}`);
    process.exitCode = 1;
  }
}
