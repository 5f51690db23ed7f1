import { parseExactly, type ExactJson, isList, isObject } from '../../gateway/json/exact-json.ts';
import { unescaped } from '../../gateway/json/pointer.ts';

/** One entry of `data.system.log.mask`. */
export type MaskRule = {
  readonly op: 'remove' | 'upsert';
  /** As the policy wrote it, such as `/input/action/body/card`. */
  readonly path: string;
  readonly value: ExactJson;
};

/** What a decision-log event has that can be masked. */
const PARTS = new Set(['input', 'result', 'nd_builtin_cache']);

/**
 * Reads what the mask rule gave: paths to remove, and objects that remove or upsert.
 * @param text a result set as JSON text; an empty one masks nothing
 * @throws Error for anything else: one entry that cannot be read is enough, as in OPA
 */
export function readMaskRules(text: string): MaskRule[] {
  const results = parseExactly(text);
  if (!isList(results)) throw malformed('expected a result set');
  const [first] = results;
  if (first === undefined) return [];
  const entries = isObject(first) ? first['result'] : undefined;
  if (!isList(entries)) throw malformed('expected a set');
  return entries.map((entry) => {
    if (typeof entry === 'string') return { op: 'remove', path: checked(entry), value: null };
    if (!isObject(entry)) throw malformed('expected paths and objects');
    const { op, path, value = null } = entry;
    if (op !== 'remove' && op !== 'upsert') throw malformed('expected op to be remove or upsert');
    return { op, path: checked(path), value };
  });
}

function checked(path: ExactJson | undefined): string {
  if (typeof path !== 'string' || !path.startsWith('/') || !PARTS.has(path.split('/')[1]!)) {
    throw malformed('expected a path below /input or /result');
  }
  return path;
}

function malformed(why: string): Error {
  return new Error(`data.system.log.mask is malformed: ${why}`);
}

/** Marks an element that was removed, until its list is closed up. */
const REMOVED = Symbol('removed');
type Members = { [name: string]: unknown };

/**
 * Applies rules to an event. Paths that lead nowhere are ignored, as in OPA. Unlike there, a name may be written as in a JSON
 * pointer (`~1` for a slash), and elements of a list keep their places until all rules are applied, so that none is
 * missed.
 * @param event is changed, with all that is in it
 * @returns the rules that found something to change
 */
export function applyMaskRules(
  event: { input?: ExactJson; result?: ExactJson },
  rules: readonly MaskRule[],
): MaskRule[] {
  const lists = new Set<unknown[]>();
  const applied = rules.filter((rule) => apply(event as Members, rule, lists));
  for (const list of lists) list.splice(0, list.length, ...list.filter((each) => each !== REMOVED));
  return applied;
}

function apply(event: Members, { op, path, value }: MaskRule, lists: Set<unknown[]>): boolean {
  const [part = '', ...names] = path.slice(1).split('/').map(unescaped);
  const last = names.pop();
  if (event[part] === undefined) return false;
  if (last === undefined) {
    if (op === 'upsert') event[part] = value;
    else delete event[part];
    return true;
  }
  let node: unknown = event[part];
  for (const name of names) {
    // An upsert creates the objects on its path.
    if (op === 'upsert' && isMembers(node) && !Object.hasOwn(node, name)) put(node, name, {});
    node = isMembers(node) || Array.isArray(node) ? at(node, name) : undefined;
  }
  if (Array.isArray(node)) {
    if (at(node, last) === undefined) return false;
    node[Number(last)] = op === 'upsert' ? value : REMOVED;
    lists.add(node);
    return true;
  }
  if (!isMembers(node)) return false;
  if (op === 'upsert') put(node, last, value);
  else if (Object.hasOwn(node, last)) delete node[last];
  else return false;
  return true;
}

/** Undefined where there is nothing (any more). */
function at(node: Members | unknown[], name: string): unknown {
  if (!Array.isArray(node)) return Object.hasOwn(node, name) ? node[name] : undefined;
  const found: unknown = /^\d+$/.test(name) ? node[Number(name)] : undefined;
  return found === REMOVED ? undefined : found;
}

/** Unlike assignment, this makes a member named `__proto__` a member. */
function put(node: Members, name: string, value: unknown): void {
  Object.defineProperty(node, name, { value, enumerable: true, configurable: true, writable: true });
}

function isMembers(node: unknown): node is Members {
  return isObject(node as ExactJson);
}
