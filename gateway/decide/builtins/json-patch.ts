import { isArray, isEqual, RegoNumber, RegoObject, RegoSet, type RegoValue } from '../rego-value.ts';

type Path = readonly RegoValue[];

/** OPA's `json.patch` (RFC 6902), in sets too; undefined when an operation is invalid or fails. */
export function patch(value: RegoValue, operations: RegoValue): RegoValue | undefined {
  if (!isArray(operations)) return undefined;
  let current: RegoValue | undefined = value;
  for (const operation of operations) {
    if (!(operation instanceof RegoObject)) return undefined;
    const path = pathOf(operation.get('path'));
    if (!path) return undefined;
    // Without a document, only the whole can be added.
    if (current === undefined && path.length > 0) return undefined;
    const result = apply(current, operation, path);
    if (!result) return undefined;
    current = result.value;
  }
  return current;
}

/** A document after an operation; its value is undefined once the whole was removed. */
type Result = { readonly value: RegoValue | undefined };

function apply(value: RegoValue | undefined, operation: RegoObject, path: Path): Result | undefined {
  const given = operation.get('value');
  switch (operation.get('op')) {
    case 'add':
      return given === undefined ? undefined : insert(value, path, given);
    case 'remove':
      return value === undefined ? undefined : remove(value, path);
    case 'replace': {
      const rest = value === undefined ? undefined : remove(value, path);
      return rest && given !== undefined ? insert(rest.value, path, given) : undefined;
    }
    case 'move':
    case 'copy': {
      const from = pathOf(operation.get('from'));
      const found = from && value !== undefined ? valueAt(value, from) : undefined;
      if (!from || found === undefined) return undefined;
      const rest = operation.get('op') === 'move' ? remove(value!, from) : { value };
      return rest && insert(rest.value, path, found);
    }
    case 'test': {
      const found = value === undefined ? undefined : valueAt(value, path);
      return found !== undefined && given !== undefined && isEqual(found, given) ? { value } : undefined;
    }
    default:
      return undefined;
  }
}

/** A pointer, or its segments as an array. */
function pathOf(path: RegoValue | undefined): Path | undefined {
  if (typeof path !== 'string') return isArray(path ?? null) ? (path as Path) : undefined;
  if (path === '') return [];
  return path
    .replace(/^\/+/, '')
    .split('/')
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function indexOf(key: RegoValue, length: number): number | undefined {
  if (key === '-') return length;
  const text = key instanceof RegoNumber ? key.text : key;
  return typeof text === 'string' && /^(?:0|[1-9]\d{0,8})$/.test(text) ? Number(text) : undefined;
}

function child(value: RegoValue, key: RegoValue): RegoValue | undefined {
  if (value instanceof RegoObject) return value.get(key);
  if (value instanceof RegoSet) return value.elements.find((each) => isEqual(each, key));
  const index = isArray(value) ? indexOf(key, value.length) : undefined;
  return index === undefined ? undefined : (value as readonly RegoValue[])[index];
}

function valueAt(value: RegoValue, path: Path): RegoValue | undefined {
  return path.reduce<RegoValue | undefined>((at, key) => (at === undefined ? undefined : child(at, key)), value);
}

/** The value with its part at a path changed by `change`, which gets what contains the last key. */
function within(
  value: RegoValue,
  path: Path,
  change: (parent: RegoValue, key: RegoValue) => RegoValue | undefined,
): RegoValue | undefined {
  const [key, ...rest] = path;
  if (rest.length === 0) return change(value, key!);
  const old = child(value, key!);
  const changed = old === undefined ? undefined : within(old, rest, change);
  if (changed === undefined) return undefined;
  if (value instanceof RegoObject) return RegoObject.of([...value.members, [key!, changed]]);
  if (value instanceof RegoSet) return RegoSet.of([...value.elements.filter((each) => !isEqual(each, key!)), changed]);
  return (value as readonly RegoValue[]).with(indexOf(key!, 0)!, changed);
}

function insert(value: RegoValue | undefined, path: Path, added: RegoValue): Result | undefined {
  if (path.length === 0) return { value: added };
  if (value === undefined) return undefined;
  const changed = within(value, path, (parent, key) => {
    if (parent instanceof RegoObject) return RegoObject.of([...parent.members, [key, added]]);
    if (parent instanceof RegoSet) return isEqual(key, added) ? RegoSet.of([...parent.elements, added]) : undefined;
    const index = isArray(parent) ? indexOf(key, parent.length) : undefined;
    if (!isArray(parent) || index === undefined || index > parent.length) return undefined;
    return parent.toSpliced(index, 0, added);
  });
  return changed === undefined ? undefined : { value: changed };
}

function remove(value: RegoValue, path: Path): Result | undefined {
  if (path.length === 0) return { value: undefined };
  const changed = within(value, path, (parent, key) => {
    if (child(parent, key) === undefined) return undefined;
    if (parent instanceof RegoObject) return RegoObject.of(parent.members.filter(([name]) => !isEqual(name, key)));
    if (parent instanceof RegoSet) return RegoSet.of(parent.elements.filter((each) => !isEqual(each, key)));
    return (parent as readonly RegoValue[]).toSpliced(indexOf(key, 0)!, 1);
  });
  return changed === undefined ? undefined : { value: changed };
}
