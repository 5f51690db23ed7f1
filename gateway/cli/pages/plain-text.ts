// Control characters, those that turn the direction of text or are not seen, and separators of lines that terminals
// do not break at.
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/gu;

/**
 * Text from outside for a terminal: whatever could move the cursor, recolour the screen, turn text around or hide in it
 * (terminal escape injection, Trojan Source) is written out. An agent must not be able to paint its own approval page.
 */
export function plain(text: string): string {
  return text.toWellFormed().replaceAll(HIDDEN, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);
}

/** Several lines of such text, each marked as a quotation, so that none can pass for a line of ours. */
export function quoted(text: string): string {
  return text
    .split('\n')
    .map((line) => `  | ${plain(line.replaceAll('\t', '  '))}`)
    .join('\n');
}
