import { PATH_POINTER } from '../../gateway/domain/policy-input.ts';
import { isCardNumber } from '../../gateway/secrets/card-number.ts';
import { pointerTo } from '../../gateway/json/pointer.ts';
import { isSecretName } from '../../gateway/secrets/secret-name.ts';
import { MASK, maskPath, maskText } from '../../gateway/secrets/secret.ts';

const MASK_JSON = JSON.stringify(MASK);

/** A text with secrets taken out, and JSON pointers to where they were. */
export type MaskedJson = { readonly text: string; readonly places: readonly string[] };

/**
 * Replaces the secrets in a policy input, given as JSON text: values of members with the name of a secret, and anything
 * that looks like a secret in a string, name or number. Everything else stays as it is, byte for byte.
 * The text has to be JSON. @throws RangeError where it is nested deeper than the stack is
 */
export function maskSecrets(text: string): MaskedJson {
  const places: string[] = [];
  let masked = '';
  let kept = 0;
  let at = 0;

  function replace(start: number, end: number, by: string, pointer: () => string): void {
    masked += text.slice(kept, start) + by;
    kept = end;
    places.push(pointer());
  }

  /** Walks over one value. `secret`: the name above is that of a secret. */
  function value(pointer: () => string, secret: boolean): void {
    skipSpace();
    const start = at;
    const first = text[at];
    if (first === '"') {
      stringEnd();
      const by = secret && at > start + 2 ? MASK_JSON : maskedString(text.slice(start, at), pointer);
      if (by !== null && by !== text.slice(start, at)) replace(start, at, by, pointer);
    } else if (first === '{' || first === '[') {
      const empty = secret && /[}\]]/.test(text[afterSpace(at + 1)]!);
      const before = { masked, kept, found: places.length };
      if (first === '{') object(pointer);
      else list(pointer);
      if (!secret || empty) return;
      // As a whole: what was replaced within it goes with it.
      ({ masked, kept } = before);
      places.length = before.found;
      replace(start, at, MASK_JSON, pointer);
    } else {
      while (at < text.length && !',]} \t\r\n'.includes(text[at]!)) at++;
      // Truth values and null tell no secret.
      if (/[tfn]/.test(first!)) return;
      if (secret || isCardNumber(text.slice(start, at))) replace(start, at, MASK_JSON, pointer);
    }
  }

  function object(pointer: () => string): void {
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
      value(below, isSecretName(name));
      skipSpace();
    }
    at++;
  }

  function list(pointer: () => string): void {
    at = afterSpace(at + 1);
    for (let index = 0; text[at] !== ']'; index++) {
      if (text[at] === ',') at++;
      const own = index;
      value(() => pointerTo(pointer(), own), false);
      skipSpace();
    }
    at++;
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
  return places.length === 0 ? { text, places } : { text: masked + text.slice(kept), places };
}

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
