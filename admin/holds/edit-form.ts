import { headerValue } from '../../gateway/domain/headers.ts';
import type { CallHold, HeldCall } from '../../gateway/domain/hold.ts';
import { bodyOf, showInput } from '../../gateway/domain/policy-input.ts';
import { isList, isNumber, isObject, type ExactJson } from '../../gateway/json/exact-json.ts';
import { schemaAt, type JsonSchema, type SchemaSource } from '../../gateway/json/json-schema.ts';
import { valueAt } from '../../gateway/json/pointer.ts';
import type { ContextPackage } from '../api/hold-schemas.ts';
import type { AdminDeps } from '../deps.ts';
import { showDefinition } from './tool-definition.ts';

/** How deep a form made from values alone goes, and how many members each object has in it. */
const MOST_LEVELS = 4;
const MOST_MEMBERS = 100;

/**
 * What an edit may set the editable places of a call to: as its OpenAPI document or the schema of its tool says, or else
 * the types that the values have now.
 * @param definition the tool that is called, as its server listed it: JSON text
 */
export function editForm(
  { bodySchema }: Pick<AdminDeps, 'bodySchema'>,
  { status, system, operation, terms: { editable } }: CallHold,
  { headers, input }: HeldCall,
  definition: string | null,
): ContextPackage['form'] {
  if (status !== 'pending' || editable.length === 0) return null;
  const { tool } = showInput(input).action;
  const described =
    tool === null
      ? bodySchema(system, operation, headerValue(headers, 'content-type') ?? '')
      : wholeSchema(showDefinition(definition)?.input_schema);
  const places = editable.map((pointer) => [pointer, described && schemaAt(described, pointer)] as const);
  const isDescribed = places.some(([, schema]) => schema !== null);
  const body = bodyOf(input);
  const schema = places.map(
    ([pointer, said]) =>
      [pointer, said ?? schemaOf(valueAt(body, pointer) as ExactJson | undefined, MOST_LEVELS)] as const,
  );
  return {
    source: isDescribed ? (tool === null ? 'openapi' : 'tool') : 'editable',
    schema: Object.fromEntries(schema),
  };
}

function wholeSchema(schema: unknown): SchemaSource | null {
  return schema === null || schema === undefined ? null : { document: schema, schema };
}

/** The type that a value has. Of null, and of what is not there, nothing is known. */
function schemaOf(value: ExactJson | undefined, levels: number): JsonSchema {
  if (value === undefined || value === null) return {};
  if (typeof value === 'boolean' || typeof value === 'string') return { type: typeof value };
  if (isNumber(value)) return { type: /^-?\d+$/.test(JSON.stringify(value)) ? 'integer' : 'number' };
  if (isList(value)) return { type: 'array' };
  if (!isObject(value) || levels === 0) return { type: 'object' };
  const members = Object.entries(value).slice(0, MOST_MEMBERS);
  return {
    type: 'object',
    properties: Object.fromEntries(members.map(([name, each]) => [name, schemaOf(each, levels - 1)])),
  };
}
