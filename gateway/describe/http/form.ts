import { Problem, type ProblemCode } from '../../domain/problem.ts';
import { isMethodOverride } from './method-override.ts';

/** Levels of brackets. qs stops at 5 and Rack at 32; SDKs send fewer than 8. */
const MAX_BRACKETS = 16;
/** PHP and qs silently drop every field after the thousandth. */
const MAX_FIELDS = 1000;

const NAME = /^([^[\]]+)((?:\[[^[\]]*\])*)$/;

type Leaf = string;
type Members = { readonly kind: 'members'; readonly of: Map<string, Node> };
/** From `a[]=1&a[]=2`. */
type List = { readonly kind: 'list'; readonly of: string[] };
/** From `a=1&a=2` in a query. */
type Repeated = { readonly kind: 'repeated'; readonly of: string[] };
type Node = Leaf | Members | List | Repeated;

type Dialect = { readonly code: ProblemCode; readonly what: string; readonly repeats: boolean };
const FORM: Dialect = { code: 'bad-body', what: 'form', repeats: false };
const QUERY: Dialect = { code: 'bad-request', what: 'query', repeats: true };

/**
 * The JSON text of an `application/x-www-form-urlencoded` body. All values are strings. `a[b]=1` nests; `a[]=1&a[]=2`
 * is an array, and so are members named exactly 0 to n-1 (`items[0][price]=x`).
 * @throws Problem `bad-body` for anything that upstreams read differently: a repeated name, `a=1&a[b]=2`, `a[][b]=1`,
 *   unbalanced brackets, an unencoded semicolon, invalid percent-encoding or UTF-8, too many fields or levels, a field
 *   that overrides the method
 */
export function formToJson(text: string): string {
  return toJson(text, FORM);
}

/**
 * The JSON text of a query (without its question mark). It is read like a form, except that a repeated plain name
 * (`expand=a&expand=b`) is an array of strings, because many APIs define it so.
 * @throws Problem `bad-request`, for the same reasons as `formToJson`
 */
export function queryToJson(query: string): string {
  return query === '' ? '{}' : toJson(query, QUERY);
}

/** One field of a form. */
export type Field = {
  /** The field as written, and the part before its equals sign. */
  readonly raw: string;
  readonly rawName: string;
  /** `items[0][price]` has three keys; `expand[]` has two, the second empty. */
  readonly keys: readonly string[];
  readonly value: string;
};

/** The fields of a form that `formToJson` accepts, in order; null for an empty one. */
export function formFields(text: string): (Field | null)[] {
  return text.split('&').map((raw) => {
    if (raw === '') return null;
    const [rawName = '', ...rest] = raw.split('=');
    const match = NAME.exec(decode(rawName, FORM));
    if (match === null) throw new Error('this form was not accepted by formToJson');
    const brackets = match[2] === '' ? [] : match[2]!.slice(1, -1).split('][');
    return { raw, rawName, keys: [match[1]!, ...brackets], value: decode(rest.join('='), FORM) };
  });
}

function toJson(text: string, dialect: Dialect): string {
  // Parameter smuggling (CVE-2021-23336): some servers read a semicolon as an ampersand.
  if (text.includes(';')) throw refused(dialect, 'an unencoded semicolon; write %3B');
  const root = new Map<string, Node>();
  let fields = 0;
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    if (++fields > MAX_FIELDS) throw refused(dialect, `more than ${MAX_FIELDS} fields`);
    const equals = pair.indexOf('=');
    const name = decode(equals === -1 ? pair : pair.slice(0, equals), dialect);
    const value = equals === -1 ? '' : decode(pair.slice(equals + 1), dialect);
    put(root, name, value, dialect);
  }
  return writeMembers(root);
}

function decode(raw: string, dialect: Dialect): string {
  if (!raw.includes('%') && !raw.includes('+')) return raw;
  try {
    return decodeURIComponent(raw.replaceAll('+', ' '));
  } catch {
    throw refused(dialect, 'invalid percent-encoding or UTF-8');
  }
}

function put(root: Map<string, Node>, name: string, value: string, dialect: Dialect): void {
  if (!name.includes('[') && !name.includes(']') && name !== '') {
    putPlain(root, name, value, dialect);
    return;
  }
  const match = NAME.exec(name);
  if (match === null) throw refused(dialect, `the name ${quoted(name)}, which is empty or has unbalanced brackets`);
  const keys = match[2]!.slice(1, -1).split('][');
  if (keys.length > MAX_BRACKETS) throw refused(dialect, `a name with more than ${MAX_BRACKETS} levels of brackets`);
  const last = keys.pop()!;

  let members = root;
  let key = match[1]!;
  for (const next of keys) {
    // PHP starts a new element at each `[]`; Rack continues the last one.
    if (next === '') throw refused(dialect, `${quoted(name)}; number the elements, as in items[0][price]`);
    members = membersAt(members, key, name, dialect);
    key = next;
  }
  if (last === '') listAt(members, key, name, dialect).push(value);
  else putOnce(membersAt(members, key, name, dialect), last, value, name, dialect);
}

function putPlain(root: Map<string, Node>, name: string, value: string, dialect: Dialect): void {
  if (isMethodOverride(name)) throw refused(dialect, `the method override ${quoted(name)}; use the method itself`);
  const present = dialect.repeats ? root.get(name) : undefined;
  if (present === undefined) putOnce(root, name, value, name, dialect);
  else if (typeof present === 'string') root.set(name, { kind: 'repeated', of: [present, value] });
  else if (present.kind === 'repeated') present.of.push(value);
  else throw conflict(dialect, name);
}

function putOnce(members: Map<string, Node>, key: string, value: string, name: string, dialect: Dialect): void {
  // HTTP parameter pollution: servers take the first value, the last, or all of them joined.
  if (members.has(key)) throw conflict(dialect, name);
  members.set(key, value);
}

function membersAt(members: Map<string, Node>, key: string, name: string, dialect: Dialect): Map<string, Node> {
  const present = members.get(key);
  if (present === undefined) {
    const of = new Map<string, Node>();
    members.set(key, { kind: 'members', of });
    return of;
  }
  if (typeof present === 'string' || present.kind !== 'members') throw conflict(dialect, name);
  return present.of;
}

function listAt(members: Map<string, Node>, key: string, name: string, dialect: Dialect): string[] {
  const present = members.get(key);
  if (present === undefined) {
    const of: string[] = [];
    members.set(key, { kind: 'list', of });
    return of;
  }
  if (typeof present === 'string' || present.kind !== 'list') throw conflict(dialect, name);
  return present.of;
}

function write(node: Node): string {
  if (typeof node === 'string') return JSON.stringify(node);
  if (node.kind !== 'members') return JSON.stringify(node.of);
  return node.of.has('0') ? writeNumbered(node.of) : writeMembers(node.of);
}

/** An array if the names are 0 to n-1, in any order. */
function writeNumbered(members: Map<string, Node>): string {
  const elements: string[] = [];
  for (let index = 0; index < members.size; index++) {
    const element = members.get(String(index));
    if (element === undefined) return writeMembers(members);
    elements.push(write(element));
  }
  return `[${elements.join(',')}]`;
}

function writeMembers(members: Map<string, Node>): string {
  let json = '';
  for (const [name, node] of members) json += `${json === '' ? '{' : ','}${JSON.stringify(name)}:${write(node)}`;
  return json === '' ? '{}' : `${json}}`;
}

function conflict(dialect: Dialect, name: string): Problem {
  return refused(dialect, `${quoted(name)} more than once, or in two forms of the same name`);
}

function quoted(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
}

function refused(dialect: Dialect, what: string): Problem {
  return new Problem(dialect.code, {
    detail: `The ${dialect.what} has ${what}. Correct it and send the call again.`,
  });
}
