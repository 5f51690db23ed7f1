import { hash } from 'node:crypto';
import { parse, type DocumentNode, type OperationDefinitionNode, type SelectionSetNode } from 'graphql/language';
import { Problem } from '../../domain/problem.ts';
import { jsonText, type CheckedJson } from '../../json/scanned-object.ts';

/**
 * One operation of a GraphQL request. `fields` are the real names of its top-level fields, those of its fragments
 * included. `type` is `unknown` where the request has no text but the name of a stored one, `persisted`.
 */
type Operation = {
  readonly type: 'query' | 'mutation' | 'subscription' | 'unknown';
  readonly name: string | null;
  readonly fields: readonly string[];
  /** False if `operationName` chooses another one. */
  readonly runs: boolean;
  readonly persisted?: string | null;
};

const UNKNOWN = { type: 'unknown', name: null, fields: [], runs: true } as const;

/** Most tokens of all documents of one call; the query that reads a whole schema has 300. */
const MAX_TOKENS = 20_000;
const MAX_COMMENTS = 1000;
const MAX_BATCH = 100;

/** The members of which one is in each request: a document, the hash of one, or a request as a field of a form. */
const ASKING = /^(?:query|extensions|fields)$/i;
const QUERY_MEMBER = /query\\?"/i;
const IGNORED = String.raw`(?:[\s,\ufeff]|#[^\n\r]*)*`;
/** The beginning of a document with a keyword: to a GraphQL server it is nothing else. */
const KEYWORD = new RegExp(
  `^${IGNORED}(?:(?:query|mutation|subscription)\\b${IGNORED}\\w*${IGNORED}[({@]|fragment\\b${IGNORED}\\w+${IGNORED}on\\b)`,
);
/** Beginnings that other query languages have too: LogQL's `{app="a"}`. */
const BRACE_OR_DESCRIPTION = new RegExp(`^${IGNORED}[{"]`);
/** Members that name a stored document, by server: Apollo, the GraphQL over HTTP draft, Relay, and others. */
const STORED = ['documentid', 'doc_id', 'queryid', 'id', 'hash'];

/** Whether calls to this path are GraphQL requests: `/api/graphql`, Shopify's `graphql.json`. */
export function isGraphqlPath(segments: readonly string[]): boolean {
  return /graphql/i.test(segments.findLast((segment) => segment !== '') ?? '');
}

/**
 * The GraphQL operations that a call asks for, as JSON text; null if it is no GraphQL request. To a path that is not
 * named after GraphQL, a call is one if its body or query has a document as `query`, or a persisted query.
 * @param query JSON text
 * @param body null without a body; undefined if policy cannot read it
 * @throws Problem `bad-body` for a document that cannot be read, or is too large
 */
export function readGraphql(onPath: boolean, query: string, body: CheckedJson | null | undefined): string | null {
  if (onPath && body === undefined) return JSON.stringify({ operations: [{ ...UNKNOWN, persisted: null }] });
  const inQuery = query !== '{}' && (onPath || mentionsQuery(query));
  const inBody = body !== undefined && body !== null && (onPath || mayAsk(body));
  if (!inQuery && !inBody) return null;
  const parameters = inQuery ? requestsOf(JSON.parse(query)) : [];
  // Parameters that a GraphQL server does not know, such as a version, are no request.
  const asked = [...parameters.filter(isRequest), ...(inBody ? requestsOf(JSON.parse(jsonText(body))) : [])];
  if (asked.length > MAX_BATCH) throw refused(`has more than ${MAX_BATCH} requests. Send them in parts.`);
  // Servers take a name from either place.
  const chosen = parameters.map(({ operationName }) => operationName).find(isText);
  const limit = Math.floor(MAX_TOKENS / Math.max(1, asked.length));
  const operations = asked.flatMap((request) => operationsOf(request, chosen, onPath, limit));
  return operations.length === 0 ? null : JSON.stringify({ operations });
}

/** Whether a body may have a request in it, however its members are spelled. */
function mayAsk(body: CheckedJson): boolean {
  if (typeof body === 'string') return mentionsQuery(body);
  return body.hasMember((name) => ASKING.test(name)) && mentionsQuery(body.text);
}

/** A text that does not has no member `query` or `persistedQuery`, however it is spelled or escaped. */
function mentionsQuery(json: string): boolean {
  return QUERY_MEMBER.test(json) || json.includes('\\u00');
}

type Request = {
  readonly query: unknown;
  readonly operationName: unknown;
  readonly persistedHash: unknown;
  readonly stored: unknown;
};

/** The requests of a body or of a query: one, or several in a batch. */
function requestsOf(value: unknown): Request[] {
  if (Array.isArray(value)) return value.flatMap(requestsOf);
  if (!isMembers(value)) return [];
  // Go reads names without regard to case.
  const members = new Map(Object.entries(value).map(([name, member]) => [name.toUpperCase().toLowerCase(), member]));
  // GraphQL multipart requests: the field `operations` is the request, as JSON.
  const fields = members.get('fields');
  if (isMembers(fields) && 'operations' in fields) return requestsOf(parsed(fields['operations']));
  const extensions = parsed(members.get('extensions'));
  const persisted = isMembers(extensions) ? extensions['persistedQuery'] : undefined;
  return [
    {
      query: members.get('query'),
      operationName: members.get('operationname'),
      persistedHash: isMembers(persisted) ? (persisted['sha256Hash'] ?? '') : undefined,
      stored: STORED.map((name) => members.get(name)).find((id) => typeof id === 'string' || typeof id === 'number'),
    },
  ];
}

function operationsOf(request: Request, chosen: unknown, onPath: boolean, limit: number): Operation[] {
  const { query, operationName, persistedHash, stored } = request;
  const name = [chosen, operationName].filter(isText);
  const unknown = { ...UNKNOWN, name: name[0] ?? null };
  if (!isText(query)) {
    if (persistedHash !== undefined) return [{ ...unknown, persisted: String(persistedHash) }];
    return onPath ? [{ ...unknown, persisted: stored === undefined ? null : String(stored) }] : [];
  }
  const certain = onPath || KEYWORD.test(query);
  if (!certain && !BRACE_OR_DESCRIPTION.test(query)) return [];
  const document = read(query, certain, limit);
  if (document === null) return [];
  const operations = operationsIn(document, name);
  // A server that knows the hash runs what it stored under it, whatever the text says.
  const isOther = persistedHash !== undefined && persistedHash !== hash('sha256', query);
  return isOther ? [...operations, { ...unknown, persisted: String(persistedHash) }] : operations;
}

/** Null if the text is not GraphQL, and may be another language. */
function read(text: string, certain: boolean, limit: number): DocumentNode | null {
  try {
    return parse(text, { noLocation: true, maxLexicalTokens: limit, maxComments: MAX_COMMENTS });
  } catch (cause) {
    if (!certain) return null;
    const why = cause instanceof RangeError ? 'It is nested too deeply.' : (cause as Error).message;
    throw refused(`cannot be read: ${why} Correct it, or send less at once.`);
  }
}

function operationsIn(document: DocumentNode, chosen: readonly string[]): Operation[] {
  const fragments = new Map<string, SelectionSetNode>();
  const found: OperationDefinitionNode[] = [];
  for (const definition of document.definitions) {
    if (definition.kind === 'FragmentDefinition') fragments.set(definition.name.value, definition.selectionSet);
    else if (definition.kind === 'OperationDefinition') found.push(definition);
  }
  const isChosen = ({ name }: OperationDefinitionNode) => name !== undefined && chosen.includes(name.value);
  const chooses = found.some(isChosen);
  return found.map((operation) => {
    const fields = new Set<string>();
    collect(operation.selectionSet, fragments, fields, new Set());
    const { operation: type, name } = operation;
    return { type, name: name?.value ?? null, fields: [...fields], runs: !chooses || isChosen(operation) };
  });
}

function collect(
  { selections }: SelectionSetNode,
  fragments: ReadonlyMap<string, SelectionSetNode>,
  fields: Set<string>,
  seen: Set<string>,
): void {
  for (const selection of selections) {
    if (selection.kind === 'Field') fields.add(selection.name.value);
    else if (selection.kind === 'InlineFragment') collect(selection.selectionSet, fragments, fields, seen);
    else if (!seen.has(selection.name.value)) {
      seen.add(selection.name.value);
      const fragment = fragments.get(selection.name.value);
      if (fragment) collect(fragment, fragments, fields, seen);
    }
  }
}

function isRequest({ query, persistedHash, stored }: Request): boolean {
  return query !== undefined || persistedHash !== undefined || stored !== undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isMembers(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value that a form or a query holds as JSON text. */
function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

function refused(what: string): Problem {
  return new Problem('bad-body', { detail: `The GraphQL request ${what}` });
}
