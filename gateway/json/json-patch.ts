import { type ExactJson, isList, isObject, isSameJson } from './exact-json.ts';
import { unescaped } from './pointer.ts';

/** A list of operations (RFC 6902), where a merge patch (RFC 7396) could stand too. It can set null and change lists. */
export class JsonPatch {
  readonly operations: unknown;

  constructor(operations: unknown) {
    this.operations = operations;
  }
}

/** Why an operation cannot be carried out; nothing of the patch is applied then. `pointer` leads to it in the patch. */
export class JsonPatchError extends Error {
  readonly pointer: string;

  constructor(pointer: string, message: string) {
    super(message);
    this.pointer = pointer;
  }
}

/** The document with all operations applied, in their order. @throws JsonPatchError */
export function applyPatch(document: ExactJson, operations: ExactJson): ExactJson {
  if (!isList(operations)) throw new JsonPatchError('', 'expected a list of operations (RFC 6902)');
  return operations.reduce<ExactJson>((current, operation, index) => {
    const fail = (why: string): never => {
      throw new JsonPatchError(`/${index}`, why);
    };
    return apply(current, operation, fail);
  }, document);
}

type Fail = (why: string) => never;

function apply(document: ExactJson, operation: ExactJson, fail: Fail): ExactJson {
  if (!isObject(operation))
    return fail('expected an operation such as {"op": "replace", "path": "/note", "value": null}');
  const member = (name: string) => (Object.hasOwn(operation, name) ? operation[name] : undefined);
  const value = () => member('value') ?? (member('value') === null ? null : fail('"value" is missing'));
  const path = tokens(member('path'), 'path', fail);
  switch (member('op')) {
    case 'add':
      return insert(document, path, value(), fail);
    case 'remove':
      return remove(document, path, fail);
    case 'replace':
      return path.length === 0 ? value() : insert(remove(document, path, fail), path, value(), fail);
    case 'move':
    case 'copy': {
      const from = tokens(member('from'), 'from', fail);
      const moved = at(document, from, fail);
      return insert(member('op') === 'move' ? remove(document, from, fail) : document, path, moved, fail);
    }
    case 'test':
      return isSameJson(at(document, path, fail), value()) ? document : fail('the value is another one');
    default:
      return fail('"op" is none of add, remove, replace, move, copy and test');
  }
}

function tokens(pointer: ExactJson | undefined, name: string, fail: Fail): string[] {
  if (typeof pointer !== 'string' || !/^(?:\/|$)/.test(pointer) || /~(?![01])/.test(pointer)) {
    return fail(`"${name}" is no JSON pointer (RFC 6901)`);
  }
  return pointer.split('/').slice(1).map(unescaped);
}

function at(document: ExactJson, path: readonly string[], fail: Fail): ExactJson {
  return path.reduce((value, token) => child(value, token, fail), document);
}

function child(value: ExactJson, token: string, fail: Fail): ExactJson {
  const found = isList(value)
    ? value[indexOf(token, value.length - 1, fail)]
    : isObject(value) && Object.hasOwn(value, token)
      ? value[token]
      : undefined;
  return found === undefined ? fail(`there is nothing at ${JSON.stringify(token)}`) : found;
}

function insert(document: ExactJson, path: readonly string[], value: ExactJson, fail: Fail): ExactJson {
  return within(document, path, value, fail, (parent, token) => {
    if (isList(parent)) {
      const index = token === '-' ? parent.length : indexOf(token, parent.length, fail);
      return parent.toSpliced(index, 0, value);
    }
    // Prototype pollution: plain assignment would set the prototype for a member named __proto__.
    return isObject(parent)
      ? Object.fromEntries(new Map(Object.entries(parent)).set(token, value))
      : fail('its place is neither in an object nor in a list');
  });
}

function remove(document: ExactJson, path: readonly string[], fail: Fail): ExactJson {
  if (path.length === 0) return fail('the whole body cannot be removed');
  return within(document, path, null, fail, (parent, token) => {
    child(parent, token, fail);
    if (isList(parent)) return parent.toSpliced(indexOf(token, parent.length - 1, fail), 1);
    return Object.fromEntries(Object.entries(parent as object).filter(([name]) => name !== token));
  });
}

/** The document with what contains the end of the path changed; `whole` for the empty path. */
function within(
  document: ExactJson,
  path: readonly string[],
  whole: ExactJson,
  fail: Fail,
  change: (parent: ExactJson, token: string) => ExactJson,
): ExactJson {
  const [token, ...rest] = path;
  if (token === undefined) return whole;
  if (rest.length === 0) return change(document, token);
  const changed = within(child(document, token, fail), rest, whole, fail, change);
  if (isList(document)) return document.with(indexOf(token, document.length - 1, fail), changed);
  return Object.fromEntries(new Map(Object.entries(document as object)).set(token, changed));
}

function indexOf(token: string, most: number, fail: Fail): number {
  const index = /^(?:0|[1-9]\d{0,8})$/.test(token) ? Number(token) : -1;
  return index < 0 || index > most ? fail(`there is no element ${JSON.stringify(token)}`) : index;
}
