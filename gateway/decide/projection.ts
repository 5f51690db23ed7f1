import type { Reads, ReadTree } from '../domain/bundle.ts';
import { beginningOf, type CallInput, inputText } from '../domain/call-input.ts';
import { BODY_PLACE, SYSTEM_PLACE } from '../domain/policy-input.ts';
import type { ScannedObject } from '../json/scanned-object.ts';
import { PER_MEMBER } from '../json/scanner/scanner.ts';

/** The members of an object that policy reads, by the length of their names, which rules out most other members. */
type Members = readonly (readonly Member[] | undefined)[];
type Member = { readonly name: string; readonly below: Members | null };

/**
 * Cuts a policy input down to the members that policy reads, as JSON text. Values keep their own text. Policy judges
 * the shorter text: calls without a relevant difference become the same text, and OPA parses less.
 *
 * The input is JSON that the gateway wrote, without duplicate names. An object with an escaped name stays whole. A text
 * of an unexpected form stays whole too. Of an input in parts only the members of the body that policy reads become text.
 */
export function createProjection({ others, systems }: Reads): (input: CallInput) => string {
  const elsewhere = prepareInput(others);
  const bySystem = new Map(Object.entries(systems).map(([system, tree]) => [system, prepareInput(tree)]));
  return (input) => {
    const system = systemOf(beginningOf(input));
    const own = system === null ? null : bySystem.get(system);
    const read = own === undefined ? elsewhere : own;
    if (read === null) return inputText(input);
    const text =
      typeof input === 'string' || read.body === null
        ? inputText(input)
        : input.before + keepMembers(input.body, read.body) + input.after;
    const kept = keep(text, 0, read.members, !text.includes('\\'));
    return kept !== null && afterSpace(text, kept.end) === text.length ? kept.text : inputText(input);
  };
}

/** What policy reads of an input, and of the body in it. Null: everything. */
function prepareInput(tree: ReadTree): { readonly members: Members; readonly body: Members | null } | null {
  const members = prepare(tree);
  const body = BODY_PLACE.reduce<ReadTree>((above, name) => (above === true ? true : (above[name] ?? {})), tree);
  return members && { members, body: prepare(body) };
}

/** Null: policy reads everything. */
function prepare(tree: ReadTree): Members | null {
  if (tree === true) return null;
  const byLength: Member[][] = [];
  for (const [name, below] of Object.entries(tree))
    (byLength[name.length] ??= []).push({ name, below: prepare(below) });
  return byLength;
}

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_LIST = 91;
const BACKSLASH = 92;
const CLOSE_LIST = 93;
const OPEN = 123;
const CLOSE = 125;

/** The system's name, by which rules are chosen; null if it is missing or escaped. */
function systemOf(input: string): string | null {
  const [outer, inner] = SYSTEM_PLACE;
  const within = findMember(input, 0, outer);
  const at = within === -1 ? -1 : findMember(input, within, inner);
  if (at === -1 || input.charCodeAt(at) !== QUOTE) return null;
  const name = input.slice(at + 1, endOfString(input, at) - 1);
  return name.includes('\\') ? null : name;
}

/** Where the value of a member begins in the object at `at`; -1 if it is not found before an escaped name. */
function findMember(text: string, at: number, wanted: string): number {
  if (text.charCodeAt(at) !== OPEN) return -1;
  for (;;) {
    const start = afterSpace(text, at + 1);
    const end = text.indexOf('"', start + 1);
    if (text.charCodeAt(start) !== QUOTE || end === -1) return -1;
    const value = valueAfter(text, end + 1);
    if (value === -1) return -1;
    if (end - start - 1 === wanted.length && text.startsWith(wanted, start + 1)) return value;
    if (text.slice(start, end).includes('\\')) return -1;
    at = afterSpace(text, endOfValue(text, value));
    if (text.charCodeAt(at) !== COMMA) return -1;
  }
}

/**
 * The object at `at` with these members only, and where it ends; null if it is not an object, or cannot be cut.
 * @param isPlain whether the text has no escapes
 */
function keep(text: string, at: number, members: Members, isPlain: boolean): { text: string; end: number } | null {
  if (text.charCodeAt(at) !== OPEN) return null;
  let kept = '';
  /** The run of adjacent, wholly kept members that is not added to `kept` yet; -1 if there is none. */
  let from = -1;
  let to = -1;
  let next = afterSpace(text, at + 1);
  if (text.charCodeAt(next) === CLOSE) return { text: '{}', end: next + 1 };
  for (;;) {
    const end = text.indexOf('"', next + 1);
    if (text.charCodeAt(next) !== QUOTE || end === -1) return null;
    if (!isPlain && text.slice(next, end).includes('\\')) return null;
    const value = valueAfter(text, end + 1);
    if (value === -1) return null;
    const member = memberAt(text, next + 1, end, members);
    const cut = member === null || member.below === null ? null : keep(text, value, member.below, isPlain);
    const after = cut === null ? endOfValue(text, value) : cut.end;
    if (member !== null && cut === null) {
      if (from === -1) from = next;
      to = after;
    } else {
      if (from !== -1) kept += (kept === '' ? '{' : ',') + text.slice(from, to);
      from = -1;
      if (member !== null) kept += `${kept === '' ? '{' : ','}"${member.name}":${cut!.text}`;
    }
    next = afterSpace(text, after);
    const stop = text.charCodeAt(next);
    if (stop === CLOSE) {
      if (from !== -1) kept += (kept === '' ? '{' : ',') + text.slice(from, to);
      return { text: kept === '' ? '{}' : `${kept}}`, end: next + 1 };
    }
    if (stop !== COMMA) return null;
    next = afterSpace(text, next + 1);
  }
}

/** The object with these members only. */
function keepMembers({ bytes, members: places }: ScannedObject, members: Members): string {
  let kept = '';
  for (let i = 0; i < places.length; i += PER_MEMBER) {
    const start = places[i]!;
    const candidates = members[places[i + 1]! - start];
    const member = candidates?.find(({ name }) => isAt(bytes, start, name));
    if (!member) continue;
    const value = bytes.toString('utf8', places[i + 2], places[i + 3]);
    const cut = member.below === null ? null : keep(value, 0, member.below, !value.includes('\\'));
    kept += `${kept === '' ? '{' : ','}"${member.name}":${cut?.text ?? value}`;
  }
  return kept === '' ? '{}' : `${kept}}`;
}

function isAt(bytes: Buffer, start: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name.charCodeAt(i)) return false;
  return true;
}

function memberAt(text: string, start: number, end: number, members: Members): Member | null {
  const candidates = members[end - start];
  if (candidates !== undefined) for (const member of candidates) if (text.startsWith(member.name, start)) return member;
  return null;
}

function afterSpace(text: string, at: number): number {
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

function isSpace(char: number): boolean {
  return char === 32 || char === 10 || char === 13 || char === 9;
}

/** Where a member's value begins. @param at the end of its name. Returns -1 if there is no value */
function valueAfter(text: string, at: number): number {
  const colon = afterSpace(text, at);
  return text.charCodeAt(colon) === COLON ? afterSpace(text, colon + 1) : -1;
}

/** Where the value at `at` ends. */
function endOfValue(text: string, at: number): number {
  const first = text.charCodeAt(at);
  if (first === QUOTE) return endOfString(text, at);
  let depth = 0;
  for (let end = at; end < text.length;) {
    const char = text.charCodeAt(end);
    if (char === QUOTE) {
      end = endOfString(text, end);
      continue;
    }
    if (depth === 0 && (char === COMMA || char === CLOSE || char === CLOSE_LIST || isSpace(char))) return end;
    end++;
    if (char === OPEN || char === OPEN_LIST) depth++;
    else if ((char === CLOSE || char === CLOSE_LIST) && --depth === 0) return end;
  }
  return text.length;
}

function endOfString(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === BACKSLASH) escapes++;
    if (escapes % 2 === 0) return end + 1;
  }
  return text.length;
}
