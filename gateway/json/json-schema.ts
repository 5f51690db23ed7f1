import { unescaped, valueAt } from './pointer.ts';

/** A schema as forms are made from it: JSON Schema 2020-12, without references. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** A schema, and the document to which its references (`#/…`) lead. */
export type SchemaSource = { readonly document: unknown; readonly schema: unknown };

/** Schemas that one written-out schema may contain, nested ones included. Schemas of some APIs refer to themselves. */
const MOST_SCHEMAS = 300;
const MOST_LEVELS = 8;
/** References in a row before a schema counts as one that refers to itself. */
const MOST_REFERENCES = 32;
const MOST_VALUES = 200;
const MOST_TEXT = 500;

const PLAIN = new Set([
  'format',
  'const',
  'default',
  'title',
  'readOnly',
  'uniqueItems',
  'minimum',
  'maximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
]);
const LISTS = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems']);

/**
 * What a schema says of a place in the values that it describes, with its references written out. Takes the dialects of
 * OpenAPI 3.0 too. Schemas come from outside: texts, lists and nesting are limited, and what is beyond is left out.
 * @param pointer JSON pointer (RFC 6901) into a value
 * @returns null when the schema does not describe the place
 */
export function schemaAt({ document, schema }: SchemaSource, pointer: string): JsonSchema | null {
  let found: unknown = schema;
  for (const token of pointer.split('/').slice(1)) {
    found = below(document, found, unescaped(token), MOST_LEVELS);
    if (found === null) return null;
  }
  const written = writeOut(document, found, MOST_LEVELS, { left: MOST_SCHEMAS });
  return Object.keys(written).length === 0 ? null : written;
}

/** The schema of one member or element; null when it is not described. */
function below(document: unknown, schema: unknown, token: string, levels: number): unknown {
  const here = followed(document, schema);
  if (levels === 0) return null;
  const own = memberOf(memberOf(here, 'properties'), token);
  if (own !== undefined) return own;
  for (const [list, joint] of [
    ['allOf', 'allOf'],
    ['oneOf', 'anyOf'],
    ['anyOf', 'anyOf'],
  ] as const) {
    const parts = memberOf(here, list);
    if (!Array.isArray(parts)) continue;
    const found = parts.map((part) => below(document, part, token, levels - 1)).filter((part) => part !== null);
    if (found.length > 0) return found.length === 1 ? found[0] : { [joint]: found };
  }
  if (/^(?:0|[1-9]\d*)$/.test(token)) {
    const first = memberOf(here, 'prefixItems');
    const item = Array.isArray(first) && Number(token) < first.length ? first[Number(token)] : memberOf(here, 'items');
    if (isRecord(item)) return item;
  }
  const others = memberOf(here, 'additionalProperties');
  return isRecord(others) ? others : null;
}

function writeOut(document: unknown, schema: unknown, levels: number, budget: { left: number }): JsonSchema {
  budget.left -= 1;
  if (levels === 0 || budget.left < 0) return {};
  const here = followed(document, schema);
  const nested = (value: unknown) => writeOut(document, value, levels - 1, budget);
  const written: [string, unknown][] = [];
  for (const [keyword, value] of Object.entries(here)) {
    if (keyword === 'type') written.push([keyword, typeOf(here)]);
    else if (keyword === 'enum') written.push(...valuesOf(here));
    else if (keyword === 'required' && Array.isArray(value)) written.push([keyword, value.slice(0, MOST_VALUES)]);
    else if (keyword === 'pattern' || keyword === 'description') written.push(...textOf(keyword, value));
    else if (keyword === 'exclusiveMinimum') written.push(...limit(keyword, value, here['minimum']));
    else if (keyword === 'exclusiveMaximum') written.push(...limit(keyword, value, here['maximum']));
    else if (keyword === 'items') written.push([keyword, nested(value)]);
    else if (keyword === 'additionalProperties')
      written.push([keyword, typeof value === 'boolean' ? value : nested(value)]);
    else if (keyword === 'properties' && isRecord(value))
      written.push([keyword, Object.fromEntries(Object.entries(value).map(([name, each]) => [name, nested(each)]))]);
    else if (LISTS.has(keyword) && Array.isArray(value)) written.push([keyword, value.map(nested)]);
    else if (PLAIN.has(keyword)) written.push([keyword, value]);
  }
  return Object.fromEntries(written);
}

/** OpenAPI 3.0 says `nullable` where JSON Schema lists the type null. */
function typeOf({ type, nullable }: JsonSchema): unknown {
  return nullable === true && typeof type === 'string' ? [type, 'null'] : type;
}

function valuesOf({ enum: values, nullable }: JsonSchema): [string, unknown][] {
  if (!Array.isArray(values) || values.length > MOST_VALUES) return [];
  return [['enum', nullable === true && !values.includes(null) ? [...(values as unknown[]), null] : values]];
}

function textOf(keyword: string, value: unknown): [string, unknown][] {
  if (typeof value !== 'string') return [];
  if (value.length <= MOST_TEXT) return [[keyword, value]];
  // Half a pattern is another pattern.
  return keyword === 'pattern' ? [] : [[keyword, `${value.slice(0, MOST_TEXT)}…`]];
}

/** OpenAPI 3.0 has true for "the limit itself is excluded". */
function limit(keyword: string, value: unknown, inclusive: unknown): [string, unknown][] {
  if (typeof value === 'number') return [[keyword, value]];
  return value === true && typeof inclusive === 'number' ? [[keyword, inclusive]] : [];
}

/** A schema in the place of references to it. References that lead elsewhere, or nowhere, say nothing. */
function followed(document: unknown, schema: unknown): JsonSchema {
  let here = schema;
  for (let hops = 0; hops < MOST_REFERENCES; hops += 1) {
    if (!isRecord(here)) return {};
    const { $ref, ...rest } = here;
    if (typeof $ref !== 'string') return here;
    if (!$ref.startsWith('#')) return rest;
    const target = valueAt(document, fragment($ref));
    here = isRecord(target) ? { ...target, ...rest } : rest;
  }
  return {};
}

function fragment(reference: string): string {
  try {
    return decodeURIComponent(reference.slice(1));
  } catch {
    return reference.slice(1);
  }
}

function memberOf(value: unknown, name: string): unknown {
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function isRecord(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
