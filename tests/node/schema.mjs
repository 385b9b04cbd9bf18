// Values, held against the schemas of a document that describes an interface: one of AsyncAPI or OpenAPI.
import Ajv from "ajv/dist/2020.js";
import formats from "ajv-formats";

// What the schemas of a document are known by, inside of it and outside.
const OWN = '"$ref":"#/components/schemas/';
const NAMED = '"$ref":"document#/components/schemas/';

// The document, its references to schemas ready for `judgeOf`.
export function prepared(document) {
  return JSON.parse(JSON.stringify(document).replaceAll(OWN, NAMED));
}

// Says what is wrong with a value by a schema of a prepared document, or nothing. A `strict` schema lets no
// field pass that it does not know, however deep; otherwise a description may be short of something.
export function judgeOf({ components: { schemas } }) {
  const ajv = formats(new Ajv({ strict: false, allErrors: true }));
  ajv.addSchema({ components: { schemas: mapped(schemas, inner) } }, "document");
  const judges = new Map();
  return (schema, value, { strict }) => {
    if (!judges.has(schema)) judges.set(schema, ajv.compile(strict ? whole(schema) : schema));
    const isValid = judges.get(schema);
    return isValid(value) ? undefined : ajv.errorsText(isValid.errors);
  };
}

// A schema that knows every field of an object. A part of it alone, one of `allOf`, does not: `inner`.
function whole(schema) {
  const known = inner(schema);
  const isObject = known.properties || known.$ref || known.allOf;
  return isObject ? { ...known, unevaluatedProperties: false } : known;
}

function inner(schema) {
  const { properties, items, oneOf, allOf, additionalProperties } = schema;
  return {
    ...schema,
    ...(properties && { properties: mapped(properties, whole) }),
    ...(items && { items: whole(items) }),
    ...(oneOf && { oneOf: oneOf.map(whole) }),
    ...(allOf && { allOf: allOf.map(inner) }),
    ...(typeof additionalProperties === "object" && { additionalProperties: whole(additionalProperties) }),
  };
}

function mapped(fields, change) {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, change(value)]));
}
