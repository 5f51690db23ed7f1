import { type ExactJson, isList, isObject } from '../../json/exact-json.ts';
import { pointerTo } from '../../json/pointer.ts';
import type { Field } from './form-fields.ts';
import { formFields } from './form.ts';

/** A text value of a form; `list` is the path of the list of texts that contains it, if any. */
type Leaf = { readonly keys: readonly string[]; readonly value: string; readonly list: string | null };

/**
 * Rewrites the form `text` so that it means `after`. Unchanged fields stay byte for byte and in place; others get their
 * new value or are removed; new ones are appended, with brackets as this form writes them. What a form cannot express
 * is left out, so the caller must read the result back and compare.
 */
export function rewriteForm(text: string, after: ExactJson): string {
  const leaves = new Map(leavesOf(after, '', [], null));
  const fields = formFields(text);
  const style = createStyle(fields);
  const kept = fields.flatMap((field) => {
    if (field === null) return [''];
    const pointer = style.meet(field);
    const leaf = leaves.get(pointer);
    leaves.delete(pointer);
    if (!leaf) return [];
    return [leaf.value === field.value ? field.raw : `${field.rawName}=${encodeURIComponent(leaf.value)}`];
  });
  const added = [...leaves.values()].map((leaf) => `${style.nameOf(leaf)}=${encodeURIComponent(leaf.value)}`);
  return [...kept, ...added].join('&');
}

/** A value with numbers and booleans as the text that a form uses for them. */
export function withoutTypes(value: ExactJson): ExactJson {
  if (isList(value)) return value.map(withoutTypes);
  if (isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withoutTypes(member)]));
  }
  return value === null || typeof value === 'string' ? value : JSON.stringify(value);
}

/** `after` without objects that have lost their last member, since a form can only name members. */
export function withoutEmptied(before: ExactJson | undefined, after: ExactJson): ExactJson {
  if (!isObject(before) || !isObject(after)) return after;
  const members = Object.entries(after).flatMap(([name, value]): [string, ExactJson][] => {
    const present = Object.hasOwn(before, name) ? before[name] : undefined;
    const left = withoutEmptied(present, value);
    return isObject(present) && isObject(left) && Object.keys(left).length === 0 ? [] : [[name, left]];
  });
  return Object.fromEntries(members);
}

function* leavesOf(
  value: ExactJson,
  pointer: string,
  keys: readonly string[],
  list: string | null,
): Generator<[pointer: string, leaf: Leaf]> {
  if (typeof value === 'string') yield [pointer, { keys, value, list }];
  if (isList(value)) {
    const texts = value.every((element) => typeof element === 'string') ? pointer : null;
    for (const [index, element] of value.entries()) {
      yield* leavesOf(element, pointerTo(pointer, index), [...keys, String(index)], texts);
    }
  } else if (isObject(value)) {
    for (const [name, member] of Object.entries(value)) {
      yield* leavesOf(member, pointerTo(pointer, name), [...keys, name], null);
    }
  }
}

/** Learns from the fields of a form how it writes names. */
function createStyle(fields: readonly (Field | null)[]) {
  const names = new Set<string>();
  /** The paths of lists written by repeating a name, as in `a=1&a=2`, each with the number of elements met. */
  const repeated = new Map<string, number>();
  for (const field of fields) {
    const name = field?.keys.reduce(pointerTo, '') ?? '';
    if (field?.keys.at(-1) !== '' && names.has(name)) repeated.set(name, 0);
    names.add(name);
  }
  /** The number of elements of each list written as `a[]`. */
  const unnumbered = new Map<string, number>();
  /** The paths of lists with numbers in their brackets, as in `a[0]`. */
  const numbered = new Set<string>();
  let encodes: boolean | null = null;

  return {
    /** The path of the next field's value in the form as JSON. */
    meet({ rawName, keys }: Field): string {
      if (keys.length > 1) encodes ??= !rawName.includes('[');
      const parent = keys.slice(0, -1).reduce(pointerTo, '');
      const last = keys.at(-1)!;
      if (last !== '') {
        const met = repeated.get(pointerTo(parent, last));
        if (met !== undefined) {
          repeated.set(pointerTo(parent, last), met + 1);
          return pointerTo(pointerTo(parent, last), met);
        }
        if (/^\d+$/.test(last)) numbered.add(parent);
        return pointerTo(parent, last);
      }
      const index = unnumbered.get(parent) ?? 0;
      unnumbered.set(parent, index + 1);
      return pointerTo(parent, index);
    },
    nameOf({ keys, list }: Leaf): string {
      if (list !== null && repeated.has(list)) return bracketed(keys.slice(0, -1));
      const withoutNumber =
        list !== null &&
        (unnumbered.has(list) || (!numbered.has(list) && (unnumbered.size > 0 || numbered.size === 0)));
      return bracketed(withoutNumber ? [...keys.slice(0, -1), ''] : keys);
    },
  };

  function bracketed(keys: readonly string[]): string {
    const [first = '', ...rest] = keys.map(encodeURIComponent);
    const name = first + rest.map((key) => `[${key}]`).join('');
    return encodes ? name.replaceAll('[', '%5B').replaceAll(']', '%5D') : name;
  }
}
