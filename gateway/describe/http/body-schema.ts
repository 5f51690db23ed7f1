import type { SchemaSource } from '../../json/json-schema.ts';
import { readRequestBodies } from './openapi.ts';

type Bodies = ReturnType<typeof readRequestBodies>;

/** By document: a configuration keeps its documents, and some have a thousand operations. */
const known = new WeakMap<object, Bodies>();

/**
 * What an OpenAPI document says of the body that an operation takes.
 * @param operation as `createOperationNamer` names it
 * @returns null without a document, or where it says nothing
 */
export function bodySchema(document: unknown, operation: string, contentType: string): SchemaSource | null {
  if (typeof document !== 'object' || document === null) return null;
  let bodies = known.get(document);
  if (!bodies) known.set(document, (bodies = readRequestBodies(document)));
  const content = bodies.get(operation)?.['content'];
  if (typeof content !== 'object' || content === null) return null;
  const sent = mediaType(contentType);
  const types = Object.entries(content as Record<string, { readonly schema?: unknown } | null>);
  const found =
    types.find(([type]) => mediaType(type) === sent) ??
    types.find(([type]) => isJson(sent) && isJson(mediaType(type))) ??
    types.find(([type]) => mediaType(type) === '*/*');
  const schema = found?.[1]?.schema;
  return schema === undefined ? null : { document, schema };
}

function mediaType(text: string): string {
  return text.split(';', 1)[0]!.trim().toLowerCase();
}

function isJson(type: string): boolean {
  return type === 'application/json' || type.endsWith('+json');
}
