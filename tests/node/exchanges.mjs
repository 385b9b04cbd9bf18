// Holds what went over REST against docs/reference/openapi.json: one exchange a line in, as
//
//   {method, path, asked, status, type, answered}   with the bodies, where they are JSON
//
// and at the end one line out: {faults: […], unseen: [operations that were never done]}.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { judgeOf, prepared } from "./schema.mjs";

const DOCUMENT = new URL("../../docs/reference/openapi.json", import.meta.url);

const document = prepared(JSON.parse(readFileSync(DOCUMENT, "utf8")));
const judge = judgeOf(document);
const operations = Object.entries(document.paths).flatMap(([path, methods]) => {
  const pattern = new RegExp(`^${path.replaceAll(/\{[^}]*\}/g, "[^/]+")}$`);
  return Object.entries(methods).map(([method, is]) => ({ name: `${method.toUpperCase()} ${path}`, method, pattern, is }));
});
const seen = new Set();
const faults = [];

for await (const line of createInterface({ input: process.stdin })) {
  const exchange = JSON.parse(line);
  const found = faultOf(exchange);
  if (found) faults.push(`${exchange.method} ${exchange.path} ${exchange.status}: ${found} in ${line}`);
}
const unseen = operations.map(({ name }) => name).filter((name) => !seen.has(name));
console.log(JSON.stringify({ faults, unseen }));

function faultOf({ method, path, asked, status, type, answered }) {
  const route = path.split("?")[0];
  const operation = operations.find((one) => one.method === method.toLowerCase() && one.pattern.test(route));
  if (!operation) return "no such operation";
  const described = operation.is.responses[status] ?? operation.is.responses.default;
  const response = described.$ref ? document.components.responses[described.$ref.split("/").at(-1)] : described;
  const { content } = response;
  if (content ? !content[type] : type) return `${type} is not described`;
  const isJson = /\bjson$/.test(type);
  const fault = isJson && judge(content[type].schema, answered, { strict: true });
  if (fault || status >= 300) return fault;
  seen.add(operation.name);
  const takes = operation.is.requestBody?.content["application/json"].schema;
  return asked !== null && takes ? judge(takes, asked, { strict: false }) : undefined;
}
