import { PATH_POINTER } from '../../gateway/domain/policy-input.ts';
import { isCardNumber } from '../../gateway/secrets/card-number.ts';
import { pointerTo } from '../../gateway/json/pointer.ts';
import { leadsToSecret, namesSecret, pairMember } from '../../gateway/secrets/pair.ts';
import { isSecretName } from '../../gateway/secrets/secret-name.ts';
import { MASK, maskPath, maskText } from '../../gateway/secrets/secret.ts';

const MASK_JSON = JSON.stringify(MASK);
/** Characters of a name in a pair, or of a path, as it is written, also with escapes. */
const LONGEST_NAME = 256;

/** A text with secrets taken out, and JSON pointers to where they were. */
export type MaskedJson = { readonly text: string; readonly places: readonly string[] };

/** A place in the text that is replaced. */
type Edit = { readonly start: number; readonly end: number; readonly by: string; readonly place: string };

/**
 * Replaces the secrets in a policy input, given as JSON text: values of members with the name of a secret, values whose
 * name is another member or the element before them (`{"name": "password", "value": "…"}`, `["Authorization", "…"]`),
 * values of changes whose path leads to one (`{"op": "replace", "path": "/password", "value": "…"}`), and anything that looks like a secret in a string, name or number. Everything else stays as it is, byte for byte.
 * The text has to be JSON. @throws RangeError where it is nested deeper than the stack is
 */
export function maskSecrets(text: string): MaskedJson {
  /** In the order of the text, none within another. */
  const edits: Edit[] = [];
  let at = 0;

  function replace(start: number, end: number, by: string, pointer: () => string): void {
    edits.push({ start, end, by, place: pointer() });
  }

  /** Replaces a value as a whole: what was replaced within it goes with it. */
  function replaceWhole({ start, end, pointer }: Span): void {
    let first = edits.length;
    while (first > 0 && edits[first - 1]!.end > start) first--;
    let after = first;
    while (after < edits.length && edits[after]!.start < end) after++;
    edits.splice(first, after - first, { start, end, by: MASK_JSON, place: pointer() });
  }

  /** Walks over one value. `secret`: the name above is that of a secret. */
  function value(pointer: () => string, secret: boolean): Span {
    skipSpace();
    const start = at;
    const first = text[at];
    if (first === '"') {
      stringEnd();
      if (!secret || at <= start + 2) {
        const by = maskedString(text.slice(start, at), pointer);
        if (by !== null && by !== text.slice(start, at)) replace(start, at, by, pointer);
      }
    } else if (first === '{') object(pointer);
    else if (first === '[') list(pointer);
    else {
      while (at < text.length && !',]} \t\r\n'.includes(text[at]!)) at++;
      if (!secret && isCardNumber(text.slice(start, at))) replace(start, at, MASK_JSON, pointer);
    }
    const span = { start, end: at, pointer };
    if (secret && tells(span)) replaceWhole(span);
    return span;
  }

  /** Truth values, null and what is empty tell no secret. */
  function tells({ start, end }: Span): boolean {
    const first = text[start]!;
    if (first === '"') return end > start + 2;
    if (first === '{' || first === '[') return !/[}\]]/.test(text[afterSpace(start + 1)]!);
    return !/[tfn]/.test(first);
  }

  function object(pointer: () => string): void {
    let isSecretPair = false;
    let isChange = false;
    let isToSecret = false;
    const values: Span[] = [];
    at = afterSpace(at + 1);
    while (text[at] !== '}') {
      if (text[at] === ',') at = afterSpace(at + 1);
      const start = at;
      stringEnd();
      const written = text.slice(start, at);
      const name = unquoted(written);
      const safe = maskText(name);
      const below = () => pointerTo(pointer(), safe);
      if (safe !== name) replace(start, at, JSON.stringify(safe), below);
      // The colon.
      at = afterSpace(at) + 1;
      const span = value(below, isSecretName(name));
      const member = pairMember(name);
      if (member === 'value') values.push(span);
      if (member === 'name' && isSecretText(span, namesSecret)) isSecretPair = true;
      if (name === 'op') isChange = true;
      if (name === 'path' && isSecretText(span, leadsToSecret)) isToSecret = true;
      skipSpace();
    }
    at++;
    if (isSecretPair || (isChange && isToSecret)) for (const span of values) if (tells(span)) replaceWhole(span);
  }

  function list(pointer: () => string): void {
    const pair: Span[] = [];
    at = afterSpace(at + 1);
    let index = 0;
    for (; text[at] !== ']'; index++) {
      if (text[at] === ',') at++;
      const own = index;
      const span = value(() => pointerTo(pointer(), own), false);
      if (index < 2) pair.push(span);
      skipSpace();
    }
    at++;
    const [name, told] = pair;
    if (index === 2 && isSecretText(name!, namesSecret) && !'{['.includes(text[told!.start]!) && tells(told!))
      replaceWhole(told!);
  }

  /** Whether a value is a text that tells of a secret. */
  function isSecretText({ start, end }: Span, tellsOf: (value: string) => boolean): boolean {
    return text[start] === '"' && end - start <= LONGEST_NAME && tellsOf(unquoted(text.slice(start, end)));
  }

  /** From the opening quote to after the closing one. */
  function stringEnd(): void {
    for (at = text.indexOf('"', at + 1); isEscaped(); at = text.indexOf('"', at + 1));
    at++;
  }

  function isEscaped(): boolean {
    let slashes = 0;
    while (text[at - 1 - slashes] === '\\') slashes++;
    return slashes % 2 === 1;
  }

  function skipSpace(): void {
    at = afterSpace(at);
  }

  function afterSpace(from: number): number {
    while (text[from] === ' ' || text[from] === '\n' || text[from] === '\r' || text[from] === '\t') from++;
    return from;
  }

  value(() => '', false);
  if (edits.length === 0) return { text, places: [] };
  let masked = '';
  let kept = 0;
  for (const { start, end, by } of edits) {
    masked += text.slice(kept, start) + by;
    kept = end;
  }
  return { text: masked + text.slice(kept), places: edits.map(({ place }) => place) };
}

/** Where a value is in the text. */
type Span = { readonly start: number; readonly end: number; readonly pointer: () => string };

/** The replacement of a string, as JSON; null when it may stay. */
function maskedString(written: string, pointer: () => string): string | null {
  // `pin=1` is the shortest of those that are known.
  if (written.length < 7) return null;
  const plain = unquoted(written);
  const safe = plain.startsWith('/') && pointer() === PATH_POINTER ? maskPath(plain) : maskText(plain);
  return safe === plain ? null : JSON.stringify(safe);
}

function unquoted(written: string): string {
  return written.includes('\\') ? (JSON.parse(written) as string) : written.slice(1, -1);
}
