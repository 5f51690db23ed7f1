import { type ExactJson, isList, isObject, isSameJson } from './exact-json.ts';

/** Where a value stands in a JSON text, with its members and elements. */
export type Span = {
  readonly start: number;
  readonly end: number;
  /** In the order of the text. `name` is as written there, with its quotes. */
  readonly members: ReadonlyMap<string, { readonly name: string; readonly value: Span }>;
  readonly elements: readonly Span[];
};

const NO_MEMBERS: Span['members'] = new Map();
const NO_ELEMENTS: Span['elements'] = [];

/**
 * Finds the values in a JSON text that has no duplicate names.
 * @throws SyntaxError when the text is not JSON
 */
export function parseSpans(text: string): Span {
  // Validates the text first: the walk below assumes that every value has an end.
  JSON.parse(text);
  return spansOf(text);
}

/** Finds the values in a text that was validated. Of any other text, the walk may not end. */
export function spansOf(text: string): Span {
  return new TextSpan(text, skipSpace(text, 0));
}

/** The value of a JSON string. @param json a string that was validated */
export function stringOf(json: string): string {
  return json.includes('\\') ? (JSON.parse(json) as string) : json.slice(1, -1);
}

/**
 * Rewrites the text of `before` as `after`. Values that are equal stay byte for byte, and members keep their order. New
 * members are appended. Space between the members of a changed object is lost.
 */
export function rewriteJson(text: string, before: ExactJson, after: ExactJson): string {
  const root = parseSpans(text);
  return text.slice(0, root.start) + rewrite(text, root, before, after) + text.slice(root.end);
}

function rewrite(text: string, span: Span, before: ExactJson, after: ExactJson): string {
  if (isSameJson(before, after)) return text.slice(span.start, span.end);
  if (isObject(before) && isObject(after)) {
    const kept = [...span.members]
      .filter(([member]) => Object.hasOwn(after, member))
      .map(([member, { name, value }]) => `${name}:${rewrite(text, value, before[member]!, after[member]!)}`);
    const added = Object.entries(after)
      .filter(([member]) => !span.members.has(member))
      .map(([member, value]) => `${JSON.stringify(member)}:${JSON.stringify(value)}`);
    return `{${[...kept, ...added].join(',')}}`;
  }
  if (isList(before) && isList(after)) {
    const elements = after.map((element, index) => {
      const present = span.elements[index];
      return present ? rewrite(text, present, before[index]!, element) : JSON.stringify(element);
    });
    return `[${elements.join(',')}]`;
  }
  return JSON.stringify(after);
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Looks into a value when it is asked to: of most values, only the place is wanted. */
class TextSpan implements Span {
  readonly start: number;
  readonly end: number;
  readonly #text: string;
  #members: Span['members'] | null = null;
  #elements: Span['elements'] | null = null;

  constructor(text: string, start: number) {
    this.#text = text;
    this.start = start;
    this.end = valueEnd(text, start);
  }

  get members(): Span['members'] {
    return (this.#members ??= membersAt(this.#text, this.start));
  }

  get elements(): Span['elements'] {
    return (this.#elements ??= elementsAt(this.#text, this.start));
  }
}

function membersAt(text: string, start: number): Span['members'] {
  if (text.charCodeAt(start) !== OPEN_OBJECT) return NO_MEMBERS;
  const members = new Map<string, { name: string; value: Span }>();
  let at = skipSpace(text, start + 1);
  while (text.charCodeAt(at) !== CLOSE_OBJECT) {
    if (text.charCodeAt(at) === COMMA) at = skipSpace(text, at + 1);
    const nameEnd = stringEnd(text, at);
    const name = text.slice(at, nameEnd);
    const colon = skipSpace(text, nameEnd);
    const value = new TextSpan(text, skipSpace(text, colon + 1));
    members.set(stringOf(name), { name, value });
    at = skipSpace(text, value.end);
  }
  return members;
}

function elementsAt(text: string, start: number): Span['elements'] {
  if (text.charCodeAt(start) !== OPEN_ARRAY) return NO_ELEMENTS;
  const elements: Span[] = [];
  let at = skipSpace(text, start + 1);
  while (text.charCodeAt(at) !== CLOSE_ARRAY) {
    if (text.charCodeAt(at) === COMMA) at = skipSpace(text, at + 1);
    const element = new TextSpan(text, at);
    elements.push(element);
    at = skipSpace(text, element.end);
  }
  return elements;
}

/** The place after a value. */
function valueEnd(text: string, start: number): number {
  const first = text.charCodeAt(start);
  if (first === QUOTE) return stringEnd(text, start);
  if (first === OPEN_OBJECT || first === OPEN_ARRAY) return bracketEnd(text, start);
  let at = start;
  while (at < text.length && !endsScalar(text.charCodeAt(at))) at++;
  return at;
}

function bracketEnd(text: string, start: number): number {
  let depth = 0;
  let at = start;
  do {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = stringEnd(text, at);
      continue;
    }
    if (code === OPEN_OBJECT || code === OPEN_ARRAY) depth++;
    else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) depth--;
    at++;
  } while (depth > 0);
  return at;
}

function endsScalar(code: number): boolean {
  return code === COMMA || code === CLOSE_OBJECT || code === CLOSE_ARRAY || isSpace(code);
}

/** The place after the closing quote. */
function stringEnd(text: string, start: number): number {
  let at = text.indexOf('"', start + 1);
  while (isEscaped(text, at)) at = text.indexOf('"', at + 1);
  return at + 1;
}

/** Whether a character follows an odd number of backslashes. */
function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text.charCodeAt(first - 1) === BACKSLASH) first--;
  return (at - first) % 2 === 1;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}
