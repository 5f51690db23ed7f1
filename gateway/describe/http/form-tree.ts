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
};

type Members = { readonly kind: 'members'; readonly of: Map<string, Node> };
/** From `a[]=1&a[]=2`, or with members as elements. */
type List = { readonly kind: 'list'; readonly of: Node[] };
/** From `a=1&a=2`. */
type Repeated = { readonly kind: 'repeated'; readonly of: readonly string[] };
type Node = string | Members | List | Repeated;

/**
 * The JSON text of a form as one reader nests its fields. All values are strings.
 * @throws Problem if fields contradict each other, such as `a=1&a[b]=2`, or their names differ only in what some readers
 *   ignore
 */
export function treeOf(fields: readonly Field[], reader: Reader, dialect: Dialect): string {
  const root = new Map<string, Node>();
  for (const field of fields) {
    const [first, ...rest] = field.keys as [string, ...string[]];
    root.set(first, place(root.get(first), rest, field, { reader, dialect }));
  }
  // PHP reads dots and spaces of the first part of a name as underscores.
  if (dialect.isStrict) assertDistinct(root, (name) => foldCase(phpName(name)), dialect);
  return writeMembers(root, dialect);
}

type Rules = { readonly reader: Reader; readonly dialect: Dialect };

/** The node with the field's value added at `keys` below it. */
function place(node: Node | undefined, keys: readonly string[], field: Field, rules: Rules): Node {
  const [key, ...rest] = keys;
  if (key === undefined) return placeValue(node, field, rules);
  if (key === '') {
    if (node === undefined) return { kind: 'list', of: [placeElement(undefined, rest, field, rules)] };
    if (typeof node === 'string' || node.kind !== 'list') return conflict(node, keys, field, rules);
    // Lists of texts and lists of objects: readers mix them differently.
    if ((typeof node.of[0] === 'string') !== (rest.length === 0)) return conflict(node, keys, field, rules);
    const index = indexOf(node.of, rest, rules.reader);
    node.of[index] = placeElement(node.of[index], rest, field, rules);
    return node;
  }
  if (node === undefined) return { kind: 'members', of: new Map([[key, place(undefined, rest, field, rules)]]) };
  if (typeof node === 'string' || node.kind !== 'members') return conflict(node, keys, field, rules);
  node.of.set(key, place(node.of.get(key), rest, field, rules));
  return node;
}

function placeElement(node: Node | undefined, rest: readonly string[], field: Field, rules: Rules): Node {
  if (rest[0] === '' && rules.dialect.isStrict)
    throw refused(rules.dialect, `${named(field)}; number the elements, as in items[0][0]`);
  return place(node, rest, field, rules);
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
  if (typeof node !== 'string' && node.kind !== 'repeated') return conflict(node, [], field, rules);
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

function conflict(node: Node, keys: readonly string[], field: Field, rules: Rules): Node {
  if (rules.dialect.isStrict)
    throw refused(rules.dialect, `${named(field)} more than once, or in two forms of the same name`);
  return rules.reader.repeats === 'last' ? place(undefined, keys, field, rules) : node;
}

function named({ keys: [first, ...rest] }: Field): string {
  return quoted(first + rest.map((key) => `[${key}]`).join(''));
}

function write(node: Node, dialect: Dialect): string {
  if (typeof node === 'string') return JSON.stringify(node);
  if (node.kind === 'repeated') return JSON.stringify(node.of);
  if (node.kind === 'list') return `[${node.of.map((each) => write(each, dialect)).join(',')}]`;
  if (dialect.isStrict) assertDistinct(node.of, foldCase, dialect);
  return node.of.has('0') ? writeNumbered(node.of, dialect) : writeMembers(node.of, dialect);
}

/** An array if the names are 0 to n-1, in any order. */
function writeNumbered(members: Map<string, Node>, dialect: Dialect): string {
  const elements: string[] = [];
  for (let index = 0; index < members.size; index++) {
    const element = members.get(String(index));
    if (element === undefined) return writeMembers(members, dialect);
    elements.push(write(element, dialect));
  }
  return `[${elements.join(',')}]`;
}

function writeMembers(members: Map<string, Node>, dialect: Dialect): string {
  let json = '';
  for (const [name, node] of members)
    json += `${json === '' ? '{' : ','}${JSON.stringify(name)}:${write(node, dialect)}`;
  return json === '' ? '{}' : `${json}}`;
}

function assertDistinct(members: Map<string, Node>, readAs: (name: string) => string, dialect: Dialect): void {
  if (members.size < 2) return;
  const names = new Map<string, string>();
  for (const name of members.keys()) {
    const read = readAs(name);
    const other = names.get(read);
    if (other !== undefined)
      throw refused(dialect, `the names ${quoted(other)} and ${quoted(name)}, which some readers take for one`);
    names.set(read, name);
  }
}
