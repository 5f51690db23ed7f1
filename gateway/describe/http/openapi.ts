import { unescaped } from '../../json/pointer.ts';
import type { Template } from './template-tree.ts';

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'query'];

type OpenApiOperations = {
  readonly templates: readonly Template[];
  /** The path common to all `servers`, without a trailing slash; empty when there is none. */
  readonly prefix: string;
};

/**
 * Reads operation names from an OpenAPI 3 document: the `operationId`, or `METHOD /template` without one. References
 * within the document are followed; others are not.
 * @throws Error with a text for the operator when the document cannot be used
 */
export function readOpenApi(document: unknown): OpenApiOperations {
  if (!isRecord(document) || !/^3\.\d/.test(String(document.openapi))) {
    throw new Error('expected an OpenAPI 3.0 or 3.1 document (its member "openapi" says 3.0.x or 3.1.x)');
  }
  const paths = document.paths ?? {};
  if (!isRecord(paths)) throw new Error('expected "paths" of the OpenAPI document to be an object');
  const templates = Object.entries(paths)
    .filter(([path]) => path.startsWith('/'))
    .map(([path, item]) => readPath(document, path, item));
  return { templates, prefix: sharedPrefix(document.servers) };
}

/** The name of every operation of a document, once. @throws as `readOpenApi` */
export function operationNames(document: unknown): readonly string[] {
  return [...new Set(readOpenApi(document).templates.flatMap(({ operations }) => [...operations.values()]))];
}

function readPath(document: Record<string, unknown>, path: string, item: unknown): Template {
  if (/[{}]/.test(path.replaceAll(/\{[^{}/]+\}/g, ''))) {
    throw new Error(`the path ${path} of the OpenAPI document has unbalanced braces`);
  }
  const operations = new Map([...operationsOf(document, path, item)].map(({ method, name }) => [method, name]));
  return { text: path, operations };
}

type Operation = { readonly method: string; readonly name: string; readonly described: Record<string, unknown> };

function* operationsOf(document: Record<string, unknown>, path: string, item: unknown): Generator<Operation> {
  const members = resolve(document, item);
  for (const each of METHODS) {
    const described = members[each];
    if (!isRecord(described)) continue;
    const id = described.operationId;
    const method = each.toUpperCase();
    yield { method, name: typeof id === 'string' && id !== '' ? id : `${method} ${path}`, described };
  }
}

/**
 * What each operation of a document that `readOpenApi` accepts says of its request body, by the operation's name. Of two
 * operations with one name the first counts.
 */
export function readRequestBodies(document: unknown): ReadonlyMap<string, Record<string, unknown>> {
  const bodies = new Map<string, Record<string, unknown>>();
  if (!isRecord(document) || !isRecord(document.paths)) return bodies;
  for (const [path, item] of Object.entries(document.paths)) {
    for (const { name, described } of operationsOf(document, path, item)) {
      if (!bodies.has(name)) bodies.set(name, resolve(document, described.requestBody));
    }
  }
  return bodies;
}

function resolve(document: Record<string, unknown>, item: unknown): Record<string, unknown> {
  if (!isRecord(item)) return {};
  const reference = item.$ref;
  if (typeof reference !== 'string' || !reference.startsWith('#/')) return item;
  let target: unknown = document;
  for (const key of reference.slice(2).split('/')) {
    const name = unescaped(decodeURIComponent(key));
    target = isRecord(target) && Object.hasOwn(target, name) ? target[name] : undefined;
  }
  if (!isRecord(target)) throw new Error(`the OpenAPI document refers to ${reference}, which it does not have`);
  return { ...target, ...item };
}

function sharedPrefix(servers: unknown): string {
  if (!Array.isArray(servers)) return '';
  const prefixes = new Set(servers.map(serverPath));
  return prefixes.size === 1 ? [...prefixes][0]! : '';
}

function serverPath(server: unknown): string {
  if (!isRecord(server) || typeof server.url !== 'string') return '';
  const variables = isRecord(server.variables) ? server.variables : {};
  const url = server.url.replaceAll(/\{([^{}]+)\}/g, (_, name: string) => {
    const variable = variables[name];
    return isRecord(variable) ? String(variable.default) : name;
  });
  return URL.canParse(url, 'http://relative') ? new URL(url, 'http://relative').pathname.replace(/\/+$/, '') : '';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
