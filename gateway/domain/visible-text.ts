/** Most text is this alone, and needs none of the patterns below. */
const PLAIN = /^[ -~]*$/;

/** Patterns are made when a text first needs them: with these classes of characters, that takes a browser long. */
function once<Made>(make: () => Made): () => Made {
  let made: Made | undefined;
  return () => (made ??= make());
}

// What a reader does not see, or does not see as it is: control characters, line and paragraph separators, characters
// that turn the direction of text, fillers and others that fonts leave out, blanks that look like a space, and unassigned
// ones. An emoji is made of some of them, and is seen.
const unseen = once(
  () =>
    /\p{RGI_Emoji}|[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Zs}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}\u{2800}]--[\u{20}]]/gv,
);

/**
 * Text from outside for people, in any channel: whatever could move the cursor, recolour the screen, turn text around
 * or hide in it (terminal escape injection, Trojan Source) is written out. An agent must not be able to write a line or
 * a page that looks like the gateway's.
 */
export function visible(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.toWellFormed().replaceAll(unseen(), (found) => (isUnseen(found) ? writtenOut(found) : found));
}

/** The same on one line, for messages: breaks of lines are spaces, and no row of spaces pushes text out of sight. */
export function visibleLine(text: string): string {
  if (PLAIN.test(text)) return text.replaceAll(/ {2,}/g, ' ').trim();
  return visible(text.replaceAll(/[\s\p{Zl}\p{Zp}]*[\t\n\v\f\r\x85\p{Zl}\p{Zp}][\s\p{Zl}\p{Zp}]*/gu, ' '))
    .replaceAll(/ {2,}/g, ' ')
    .trim();
}

/** The same in at most `most` characters: a text in a sentence must not push the rest of it out of sight. */
export function shortLine(text: string, most: number): string {
  const line = visibleLine(text);
  return line.length <= most ? line : `${line.slice(0, most - 1).toWellFormed()}…`;
}

/** What a text holds that a reader would not notice. */
export type TextHint = {
  /** `hidden`: characters that are not seen. `mixed-scripts`: a word with letters that look like those of another script. */
  readonly kind: 'hidden' | 'mixed-scripts';
  /** Where it is, written out. */
  readonly excerpt: string;
};

/** Most hints about one text: one is enough to look closely. */
const MOST_HINTS = 5;
/** Characters of an excerpt before and after what it is about. */
const AROUND = 20;

const scripts = once(() => [
  /\p{scx=Latin}/u,
  /\p{scx=Cyrillic}/u,
  /\p{scx=Greek}/u,
  /\p{scx=Armenian}/u,
  /\p{scx=Cherokee}/u,
]);

export function hintsOf(text: string): TextHint[] {
  if (PLAIN.test(text)) return [];
  const hints: TextHint[] = [];
  for (const { 0: found, index } of text.matchAll(unseen())) {
    if (!isUnseen(found) || /[\t\n\r]/.test(found)) continue;
    hints.push({ kind: 'hidden', excerpt: excerpt(text, index, found.length) });
    if (hints.length === MOST_HINTS) break;
  }
  let mixed = 0;
  // Latin letters alone cannot be mixed, and most text has no others.
  if (!/[\u{370}-\u{58f}\u{13a0}-\u{13ff}\u{ab70}-\u{abbf}\u{1f00}-\u{1fff}]/u.test(text)) return hints;
  for (const { 0: word, index } of text.matchAll(/[\p{L}\p{M}]+/gu)) {
    if (scripts().filter((script) => script.test(word)).length < 2) continue;
    hints.push({ kind: 'mixed-scripts', excerpt: excerpt(text, index, word.length) });
    if (++mixed === MOST_HINTS) break;
  }
  return hints;
}

function isUnseen(found: string): boolean {
  return [...found].length === 1 && !/^\p{RGI_Emoji}$/v.test(found);
}

/** A character by its number, such as `\u{202e}`. */
export function writtenOut(char: string): string {
  return `\\u{${char.codePointAt(0)!.toString(16)}}`;
}

function excerpt(text: string, at: number, length: number): string {
  return visible(text.slice(Math.max(0, at - AROUND), at + length + AROUND));
}

/** A part of a text: what is read as it is; a character that is not seen; a row of blanks; a word of several alphabets. */
export type TextPart = { readonly kind: 'plain' | 'hidden' | 'blank' | 'mixed'; readonly text: string };

/** So many blanks in a row, or empty lines, push text out of sight. */
const partPattern = once(
  () =>
    new RegExp(
      `(?<blank> {12,}|(?:\\r?\\n[ \\t]*){5,})|\\r\\n|${unseen().source}|(?<word>[[\\p{L}\\p{M}]--\\p{Default_Ignorable_Code_Point}]+)`,
      'gv',
    ),
);
/** A word of ASCII letters needs no second look. */
const ASCII_WORD = /^[a-z]+$/i;

/**
 * A text for a page, where a line break is a line break, in parts: what a reader would not notice stands alone, so that
 * the page can mark it.
 */
export function partsOf(text: string): TextPart[] {
  if (text !== '' && PLAIN.test(text) && !/ {12}/.test(text)) return [{ kind: 'plain', text }];
  const whole = text.toWellFormed();
  const parts: TextPart[] = [];
  let done = 0;
  for (const { 0: found, index, groups } of whole.matchAll(partPattern())) {
    const kind = kindOf(found, groups ?? {});
    if (kind === 'plain') continue;
    if (index > done) parts.push({ kind: 'plain', text: whole.slice(done, index) });
    parts.push({ kind, text: found });
    done = index + found.length;
  }
  if (done < whole.length) parts.push({ kind: 'plain', text: whole.slice(done) });
  return parts;
}

function kindOf(found: string, { blank, word }: Readonly<Record<string, string | undefined>>): TextPart['kind'] {
  if (blank !== undefined) return 'blank';
  if (word === undefined) return isUnseen(found) && !/[\t\n]/.test(found) ? 'hidden' : 'plain';
  if (ASCII_WORD.test(word)) return 'plain';
  return scripts().filter((script) => script.test(word)).length > 1 ? 'mixed' : 'plain';
}
