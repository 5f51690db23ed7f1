/**
 * Text without differences of case, as readers compare names that ignore case: simple case folding (Unicode), as in
 * Go's JSON decoder, so `ſ` is `s` and the Kelvin sign is `k`. For Java's equalsIgnoreCase, `ı` and `İ` are `i` as well.
 */
export function foldCase(text: string): string {
  // oxlint-disable-next-line no-control-regex -- all of ASCII
  return /^[\0-\x7f]*$/.test(text) ? text.toLowerCase() : Array.from(text, foldCharacter).join('');
}

/** Through upper case, because several small letters may share a capital. `ß` has none of one character, and stays. */
function foldCharacter(character: string): string {
  if (character === 'İ') return 'i';
  const upper = character.toUpperCase();
  const lower = (isOne(upper) ? upper : character).toLowerCase();
  return isOne(lower) ? lower : character;
}

function isOne(text: string): boolean {
  return text.length === 1 || (text.length === 2 && text.codePointAt(0)! > 0xffff);
}
