import { create } from 'jsondiffpatch';
import { isList, isNumber, isObject, type ExactJson } from '../../../gateway/json/exact-json.ts';
import { pointerTo } from '../../../gateway/json/pointer.ts';

/** One line of a body as it is shown. */
export type BodyLine = {
  /** JSON pointer (RFC 6901) of the value; of a closing bracket, that of what it closes. */
  readonly pointer: string;
  readonly depth: number;
  /** The member's name; null in a list and at the top. */
  readonly name: string | null;
  /** A value without members, or a bracket. */
  readonly value: { readonly type: 'string' | 'number' | 'word' | 'bracket'; readonly text: string };
  /** `from`: only before the change. `to`: only after it. */
  readonly mark: 'same' | 'from' | 'to';
};

type Mark = BodyLine['mark'];
type Place = { readonly pointer: string; readonly depth: number; readonly name: string | null };

// A leaf is one text that tells its type, so that 1 and "1" differ, and 10.50 from 10.5.
const differ = create({ arrays: { detectMove: false } });

/** A JSON value line by line. */
export function linesOf(value: ExactJson): BodyLine[] {
  const lines: BodyLine[] = [];
  write(value, { pointer: '', depth: 0, name: null }, 'same', lines);
  return lines;
}

/** What a change does to a JSON value, line by line: what is gone stands above what came. */
export function changedLines(before: ExactJson, after: ExactJson): BodyLine[] {
  const lines: BodyLine[] = [];
  const delta = differ.diff(comparable(before), comparable(after)) as Delta;
  writeChange(before, after, delta, { pointer: '', depth: 0, name: null }, lines);
  return lines;
}

/** jsondiffpatch's delta: `[to]` came, `[from, to]` changed, `[from, 0, 0]` is gone; else members, lists with `_t`. */
type Delta = undefined | readonly unknown[] | { readonly [member: string]: Delta };

function writeChange(before: ExactJson, after: ExactJson, delta: Delta, place: Place, lines: BodyLine[]): void {
  if (delta === undefined) return write(after, place, 'same', lines);
  if (Array.isArray(delta)) {
    if (delta.length !== 1) write(before, place, 'from', lines);
    if (delta.length !== 3) write(after, place, 'to', lines);
    return;
  }
  const changes = delta as Readonly<Record<string, Delta>>;
  if (isList(before) && isList(after)) {
    lines.push({ ...place, value: bracket('['), mark: 'same' });
    let old = 0;
    const gone = () => {
      for (; changes[`_${old}`] !== undefined; old += 1)
        write(before[old]!, at(place, String(old), null), 'from', lines);
    };
    after.forEach((each, index) => {
      gone();
      const change = changes[String(index)];
      const isNew = Array.isArray(change) && change.length === 1;
      writeChange(isNew ? null : before[old]!, each, change, at(place, String(index), null), lines);
      if (!isNew) old += 1;
    });
    gone();
    lines.push({ ...place, name: null, value: bracket(']'), mark: 'same' });
  } else if (isObject(before) && isObject(after)) {
    lines.push({ ...place, value: bracket('{'), mark: 'same' });
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)]))
      writeChange(before[name]!, after[name]!, changes[name], at(place, name, name), lines);
    lines.push({ ...place, name: null, value: bracket('}'), mark: 'same' });
  }
}

function write(value: ExactJson, place: Place, mark: Mark, lines: BodyLine[]): void {
  if (isList(value)) {
    if (value.length === 0) return void lines.push({ ...place, value: bracket('[]'), mark });
    lines.push({ ...place, value: bracket('['), mark });
    value.forEach((each, index) => write(each, at(place, String(index), null), mark, lines));
    lines.push({ ...place, name: null, value: bracket(']'), mark });
  } else if (isObject(value)) {
    const members = Object.entries(value);
    if (members.length === 0) return void lines.push({ ...place, value: bracket('{}'), mark });
    lines.push({ ...place, value: bracket('{'), mark });
    for (const [name, each] of members) write(each, at(place, name, name), mark, lines);
    lines.push({ ...place, name: null, value: bracket('}'), mark });
  } else {
    const type = typeof value === 'string' ? 'string' : isNumber(value) ? 'number' : 'word';
    lines.push({ ...place, value: { type, text: type === 'string' ? String(value) : JSON.stringify(value) }, mark });
  }
}

function at({ pointer, depth }: Place, member: string, name: string | null): Place {
  return { pointer: pointerTo(pointer, member), depth: depth + 1, name };
}

const bracket = (text: string) => ({ type: 'bracket', text }) as const;

function comparable(value: ExactJson): unknown {
  if (isList(value)) return value.map(comparable);
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, comparable(each)]));
  return (typeof value === 'string' ? '"' : '') + (typeof value === 'string' ? value : JSON.stringify(value));
}
