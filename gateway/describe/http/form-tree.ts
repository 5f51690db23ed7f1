import { foldCase } from '../../json/fold-case.ts';
import { type Dialect, type Field, phpName, quoted, refused } from './form-fields.ts';

/** Where readers of forms differ. */
export type Reader = {
  /** What `a=1&a=2` is. */
  readonly repeats: 'all' | 'first' | 'last';
  /**
   * Which element `a[][b]=1` belongs to: the last, until it has a `b`, as in Rack; a new one, as in PHP; or the same as
   * every other, as in qs.
   */
  readonly elements: 'last' | 'new' | 'same';
  /** Whether `a[1]=x` alone is a list of one, as in qs. */
  readonly closesGaps: boolean;
};

type Members = { readonly kind: 'members'; readonly of: Map<string, Node> };
/** From `a[]=1&a[]=2`, or with members as elements. */
type List = { readonly kind: 'list'; readonly of: Node[] };
/** From `a=1&a=2`. */
type Repeated = { readonly kind: 'repeated'; readonly of: readonly string[] };
type Node = string | Members | List | Repeated;

/** `hasGaps`: a reader that closes gaps reads it otherwise. */
type Tree = { readonly json: string; readonly hasGaps: boolean };

/**
 * A form as one reader nests its fields, as JSON text. All values are strings.
 * @throws Problem if fields contradict each other, such as `a=1&a[b]=2`, or their names differ only in what some readers
 *   ignore
 */
export function treeOf(fields: readonly Field[], reader: Reader, dialect: Dialect): Tree {
  const rules: Rules = { reader, dialect, hasGaps: false };
  const root = new Map<string, Node>();
  for (const field of fields) {
    const first = field.keys[0]!;
    root.set(first, place(root.get(first), field, 1, rules));
  }
  // PHP reads dots and spaces of the first part of a name as underscores.
  if (dialect.isStrict) assertDistinct(root, (name) => foldCase(phpName(name)), dialect);
  return { json: writeMembers(root, rules), hasGaps: rules.hasGaps };
}

type Rules = { readonly reader: Reader; readonly dialect: Dialect; hasGaps: boolean };

/** The node with the field's value added below it, at the field's keys from number `at`. */
function place(node: Node | undefined, field: Field, at: number, rules: Rules): Node {
  const key = field.keys[at];
  if (key === undefined) return placeValue(node, field, rules);
  if (key === '') return placeElement(node, field, at + 1, rules);
  if (node === undefined) return { kind: 'members', of: new Map([[key, place(undefined, field, at + 1, rules)]]) };
  if (typeof node === 'string' || node.kind !== 'members') return conflict(node, field, at, rules);
  node.of.set(key, place(node.of.get(key), field, at + 1, rules));
  return node;
}

function placeElement(node: Node | undefined, field: Field, at: number, rules: Rules): Node {
  const next = field.keys[at];
  // qs makes one list of `a[][]=1` and of `a[][1]=1`.
  if (next !== undefined && (next === '' || isIndex(next)) && rules.dialect.isStrict)
    throw refused(rules.dialect, `${quoted(field.name)}; number the elements, as in items[0][0]`);
  if (node === undefined) return { kind: 'list', of: [place(undefined, field, at, rules)] };
  // Lists of texts and lists of objects: readers mix them differently.
  if (typeof node === 'string' || node.kind !== 'list' || (typeof node.of[0] === 'string') !== (next === undefined))
    return conflict(node, field, at - 1, rules);
  const index = indexOf(node.of, field.keys.slice(at), rules.reader);
  node.of[index] = place(node.of[index], field, at, rules);
  return node;
}

/** Which element of a list the next field with `rest` after its `[]` is in. */
function indexOf(elements: readonly Node[], rest: readonly string[], { elements: rule }: Reader): number {
  if (rest.length === 0 || rule === 'new') return elements.length;
  if (rule === 'same') return 0;
  return has(elements.at(-1), rest) ? elements.length : elements.length - 1;
}

/** As Rack looks for a name: a list within never begins a new element. */
function has(node: Node | undefined, keys: readonly string[]): boolean {
  if (keys.includes('')) return false;
  for (const key of keys) {
    if (node === undefined || typeof node === 'string' || node.kind !== 'members') return false;
    node = node.of.get(key);
  }
  return node !== undefined;
}

function placeValue(node: Node | undefined, field: Field, rules: Rules): Node {
  const { value } = field;
  if (node === undefined) return value;
  if (typeof node !== 'string' && node.kind !== 'repeated') return conflict(node, field, field.keys.length, rules);
  // HTTP parameter pollution: readers take the first value, the last, or all.
  switch (rules.reader.repeats) {
    case 'first':
      return node;
    case 'last':
      return value;
    case 'all':
      return { kind: 'repeated', of: typeof node === 'string' ? [node, value] : [...node.of, value] };
  }
}

function conflict(node: Node, field: Field, at: number, rules: Rules): Node {
  if (rules.dialect.isStrict)
    throw refused(rules.dialect, `${quoted(field.name)} more than once, or in two forms of the same name`);
  return rules.reader.repeats === 'last' ? place(undefined, field, at, rules) : node;
}

function write(node: Node, rules: Rules): string {
  if (typeof node === 'string') return JSON.stringify(node);
  if (node.kind === 'repeated') return JSON.stringify(node.of);
  if (node.kind === 'list') return `[${node.of.map((each) => write(each, rules)).join(',')}]`;
  if (rules.dialect.isStrict) assertDistinct(node.of, foldCase, rules.dialect);
  const elements = elementsOf(node.of, rules);
  return elements === null ? writeMembers(node.of, rules) : `[${elements.map((each) => write(each, rules)).join(',')}]`;
}

/** The members as elements of an array, if their names are 0 to n-1, in any order. */
function elementsOf(members: ReadonlyMap<string, Node>, rules: Rules): readonly Node[] | null {
  const elements: Node[] = [];
  for (let index = 0; index < members.size; index++) {
    const element = members.get(String(index));
    if (element === undefined) return closeGaps(members, rules);
    elements.push(element);
  }
  return elements;
}

/** qs takes the names 0 to 20 for numbers of elements. */
function closeGaps(members: ReadonlyMap<string, Node>, rules: Rules): readonly Node[] | null {
  if (![...members.keys()].every(isIndex)) return null;
  if (rules.reader.closesGaps)
    return [...members].toSorted(([a], [b]) => Number(a) - Number(b)).map(([, element]) => element);
  rules.hasGaps = true;
  return null;
}

function isIndex(name: string): boolean {
  return /^(?:\d|1\d|20)$/.test(name);
}

function writeMembers(members: ReadonlyMap<string, Node>, rules: Rules): string {
  let json = '';
  for (const [name, node] of members) json += `${json === '' ? '{' : ','}${JSON.stringify(name)}:${write(node, rules)}`;
  return json === '' ? '{}' : `${json}}`;
}

function assertDistinct(members: Map<string, Node>, readAs: (name: string) => string, dialect: Dialect): void {
  if (members.size < 2) return;
  const known = new Set<string>();
  for (const name of members.keys()) {
    if (known.size === known.add(readAs(name)).size)
      throw refused(dialect, `the name ${quoted(name)} and another that some readers take for one`);
  }
}
