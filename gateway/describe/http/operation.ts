import { isIdentifier } from './identifier.ts';
import { readOpenApi } from './openapi.ts';
import { createTemplateTree, type TemplateMatch } from './template-tree.ts';

export type NamedOperation = {
  /** An operationId, or `METHOD /templated/path`. */
  readonly operation: string;
  readonly resource: { readonly type: string; readonly id: string | null };
  /** The segments with the fixed text of the OpenAPI template in its own case; null when no template matches. */
  readonly spelling: readonly string[] | null;
};

/** @param segments the path below the system, percent-decoded, without an empty last segment */
type OperationNamer = (method: string, segments: readonly string[]) => NamedOperation;

/**
 * Names the operation of a call. With an OpenAPI document, the name is the operationId of the most specific template
 * that lists the method. Without one, or for paths that it does not list, the name is `METHOD /path` with `{id}` in
 * place of identifiers.
 * @param basePath the upstream's own path, which calls do not carry but `servers` may
 * @throws Error with a text for the operator when the document cannot be used
 */
export function createOperationNamer(openapi: unknown, basePath = ''): OperationNamer {
  if (openapi === undefined) {
    return (method, segments) => withWholeId(nameByShape(method, segments.map(withoutParameters)), segments);
  }

  const { templates, prefix } = readOpenApi(openapi);
  const below = basePath.replace(/\/+$/, '');
  const ownPrefix = prefix === below || prefix.startsWith(`${below}/`) ? prefix.slice(below.length) : prefix;
  const prefixSegments = ownPrefix.split('/').filter((part) => part !== '');
  const exact = createTemplateTree(false);
  const anyCase = createTemplateTree(true);
  for (const template of templates) {
    exact.add(template);
    anyCase.add(template);
  }

  return (method, segments) => {
    const plain = segments.map(withoutParameters);
    const isPrefixed = prefixSegments.every((part, index) => equalInAnyCase(part, plain[index]));
    const prefixed = isPrefixed ? prefixSegments : [];
    const inside = plain.slice(prefixed.length);
    // An upstream that ignores case must not turn a known operation into an unknown one, so any case is tried.
    const match =
      exact.find(inside, method) ??
      anyCase.find(inside, method) ??
      exact.find(inside, null) ??
      anyCase.find(inside, null);
    if (match === null) return withWholeId(nameByShape(method, plain), segments);
    const fixed = [...prefixed, ...match.template.text.split('/').filter((part) => part !== '')];
    const spelling = segments.map((segment, index) =>
      equalInAnyCase(fixed[index]!, segment) ? fixed[index]! : segment,
    );
    return withWholeId({ ...nameByTemplate(method, inside, match), spelling }, segments);
  };
}

/** Servlet containers route `/refunds;x=1` as `/refunds`, so path parameters must not change the name. */
function withoutParameters(segment: string): string {
  const semicolon = segment.indexOf(';');
  return semicolon === -1 ? segment : segment.slice(0, semicolon);
}

/** What follows a semicolon belongs to the identifier in this reading of the path; in another, it is gone. */
function withWholeId(named: NamedOperation, segments: readonly string[]): NamedOperation {
  const { type, id } = named.resource;
  const last = segments.at(-1);
  return last?.includes(';') && id === withoutParameters(last) ? { ...named, resource: { type, id: last } } : named;
}

function equalInAnyCase(a: string, b: string | undefined): boolean {
  return a === b || a.toLowerCase() === b?.toLowerCase();
}

function nameByTemplate(
  method: string,
  segments: readonly string[],
  match: TemplateMatch,
): Omit<NamedOperation, 'spelling'> {
  const { template, values } = match;
  return {
    operation: template.operations.get(method) ?? `${method} ${template.text}`,
    resource: resourceOf(segments, values),
  };
}

function nameByShape(method: string, segments: readonly string[]): NamedOperation {
  const values = segments.map((segment) => (isIdentifier(segment) ? segment : null));
  const shape = segments.map((segment, index) => (values[index] === null ? segment : '{id}'));
  return { operation: `${method} /${shape.join('/')}`, resource: resourceOf(segments, values), spelling: null };
}

/** The type is the last fixed segment; the id is the last identifier after it, if any. */
function resourceOf(segments: readonly string[], values: readonly (string | null)[]): NamedOperation['resource'] {
  const type = values.lastIndexOf(null);
  return {
    type: type === -1 ? '' : segments[type]!,
    id: type === values.length - 1 ? null : values.at(-1)!,
  };
}
