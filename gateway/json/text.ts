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
  return valueAt(text, skipSpace(text, 0));
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

function valueAt(text: string, start: number): Span {
  switch (text[start]) {
    case '{':
      return objectAt(text, start);
    case '[':
      return arrayAt(text, start);
    case '"':
      return { start, end: stringEnd(text, start), members: NO_MEMBERS, elements: NO_ELEMENTS };
    default: {
      let end = start;
      while (end < text.length && !',]} \t\r\n'.includes(text[end]!)) end++;
      return { start, end, members: NO_MEMBERS, elements: NO_ELEMENTS };
    }
  }
}

function objectAt(text: string, start: number): Span {
  const members = new Map<string, { name: string; value: Span }>();
  let at = skipSpace(text, start + 1);
  while (text[at] !== '}') {
    if (text[at] === ',') at = skipSpace(text, at + 1);
    const nameEnd = stringEnd(text, at);
    const name = text.slice(at, nameEnd);
    const colon = skipSpace(text, nameEnd);
    const value = valueAt(text, skipSpace(text, colon + 1));
    members.set(JSON.parse(name) as string, { name, value });
    at = skipSpace(text, value.end);
  }
  return { start, end: at + 1, members, elements: NO_ELEMENTS };
}

function arrayAt(text: string, start: number): Span {
  const elements: Span[] = [];
  let at = skipSpace(text, start + 1);
  while (text[at] !== ']') {
    if (text[at] === ',') at = skipSpace(text, at + 1);
    const element = valueAt(text, at);
    elements.push(element);
    at = skipSpace(text, element.end);
  }
  return { start, end: at + 1, members: NO_MEMBERS, elements };
}

/** The place after the closing quote. */
function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (at < text.length && ' \t\r\n'.includes(text[at]!)) at++;
  return at;
}
