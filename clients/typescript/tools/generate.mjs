// Writes client/src/generated/wire.ts: the types of what goes over the wire, from the contract in proto/
// and the codes in docs/ERRORS.md. Types only: nothing of it is left in the browser.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import protobuf from "protobufjs";
import { EVENTS, TYPES } from "./wire.mjs";

const ROOT = new URL("../../../", import.meta.url).pathname;
const CONTRACT = join(ROOT, "proto/roomcast/v1");
const TARGET = new URL("../client/src/generated/wire.ts", import.meta.url).pathname;
const NUMBERS = new Set(["double", "float", "int32", "uint32", "int64", "uint64"]);
const NOT_ON_THE_WIRE = new Set(["UNSPECIFIED", "SCHEDULED", "CANCELLING"]);

const contract = new protobuf.Root();
for (const file of readdirSync(CONTRACT).filter((name) => name.endsWith(".proto"))) {
  const options = { keepCase: true, alternateCommentMode: true };
  protobuf.parse(readFileSync(join(CONTRACT, file), "utf8"), contract, options);
}

function message(name) {
  return contract.lookupType(`roomcast.v1.${name}`);
}

function field(path) {
  const [owner, name] = path.split(".");
  const found = message(owner).fields[name];
  if (!found) throw new Error(`the contract has no ${path}`);
  return found;
}

function shape({ type, map, repeated }) {
  if (repeated) return "readonly unknown[]";
  const one = NUMBERS.has(type) ? "number"
    : type === "bool" ? "boolean"
    : type === "Payload" ? "unknown"
    : "string";
  return map ? `Readonly<Record<string, ${one}>>` : one;
}

function comment(text, indent = "") {
  const line = (text ?? "").replaceAll(/\s*\n\s*/g, " ").replaceAll("*/", "").trim();
  return line ? `${indent}/** ${line} */\n` : "";
}

function property([spelling, source]) {
  const [path, given] = Array.isArray(source) ? source : [source];
  const found = field(path);
  const name = spelling.replace(/[?|]$/, "");
  const mark = spelling.endsWith("?") ? "?" : "";
  const none = spelling.endsWith("|") ? " | null" : "";
  return `${comment(found.comment, "  ")}  readonly ${name}${mark}: ${given ?? shape(found)}${none};\n`;
}

function declaration([name, [described, fields]]) {
  const properties = Object.entries(fields).map(property).join("");
  return `${comment(message(described).comment)}export interface ${name} {\n${properties}}\n`;
}

function union(name, words, doc) {
  const lines = words.map((word) => `  | ${JSON.stringify(word)}`).join("\n");
  return `${comment(doc)}export type ${name} =\n${lines};\n`;
}

const states = Object.keys(contract.lookupEnum("roomcast.v1.JobState").values)
  .map((name) => name.replace("JOB_STATE_", ""))
  .filter((name) => !NOT_ON_THE_WIRE.has(name))
  .map((name) => name.toLowerCase());
const codes = [...readFileSync(join(ROOT, "docs/ERRORS.md"), "utf8").matchAll(/^\| `(\w+)` \|/gm)];
const events = Object.entries(EVENTS)
  .map(([name, type]) => `  readonly ${JSON.stringify(name)}: ${type} & Envelope;\n`)
  .join("");

const text = [
  "// Made by tools/generate.mjs from proto/roomcast/v1 and docs/ERRORS.md.\n",
  union("JobStatus", states, "Where a job stands. The last three are final."),
  union("KnownErrorCode", codes.map(([, code]) => code), "The codes of docs/ERRORS.md."),
  ...Object.entries(TYPES).map(declaration),
  `/** The events of the log, by name. Rooms and users may have others, of their publishers' own. */\n` +
    `export interface EventMap {\n${events}}\n`,
].join("\n");
mkdirSync(dirname(TARGET), { recursive: true });
writeFileSync(TARGET, text);
