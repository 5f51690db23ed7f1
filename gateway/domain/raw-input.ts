import type { ScannedObject } from '../json/scanned-object.ts';

/**
 * Lines of this version and later have `input` as JSON, `"input":{…}`, where `isRawInput` allows it. Otherwise, and in
 * earlier versions, it is a quoted text. Each call waits while its input is quoted, and each quote in it makes the line
 * longer.
 */
export const RAW_INPUT_SINCE = 2;

/**
 * Whether a line has this input as it is: one object on one line. A line break can only be white space between its
 * members, as in a body that was sent with indentation; a line of the journal must not have one.
 *
 * Writers, readers and `LINE_EXPRESSION` follow this one rule. The braces at both ends matter to proofs: without them, a row
 * with the next members moved into its input would give the same line.
 * @param input JSON text
 */
export function isRawInput(input: string): boolean {
  return (
    input.charCodeAt(0) === OPENING &&
    input.charCodeAt(input.length - 1) === CLOSING &&
    !input.includes('\n') &&
    !input.includes('\r')
  );
}

/** The same for an input in parts. What is around the body is JSON that the gateway wrote, with braces at both ends. */
export function isRawBody({ bytes }: ScannedObject): boolean {
  return !bytes.includes(LINE_FEED) && !bytes.includes(CARRIAGE_RETURN);
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const OPENING = 0x7b;
const CLOSING = 0x7d;
