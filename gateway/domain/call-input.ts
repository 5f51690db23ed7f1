import type { ScannedObject } from '../json/scanned-object.ts';

/** A policy input around a long body. Nobody on the path of a usual call needs it as one text. */
export class InputParts {
  readonly before: string;
  readonly body: ScannedObject;
  readonly after: string;

  constructor(before: string, body: ScannedObject, after: string) {
    this.before = before;
    this.body = body;
    this.after = after;
  }
}

/** The policy input of a call: JSON text, or its parts. */
export type CallInput = string | InputParts;

export function inputText(input: CallInput): string {
  return typeof input === 'string' ? input : input.before + input.body.text + input.after;
}

/** The length of an input's text in UTF-16 units. */
export function inputLength(input: CallInput): number {
  return typeof input === 'string' ? input.length : input.before.length + input.body.length + input.after.length;
}

/** An input with a body that says nothing, for those who know enough of its own. */
export function withEmptyBody({ before, after }: InputParts): string {
  return `${before}{}${after}`;
}

/** At least what comes before a body. */
export function beginningOf(input: CallInput): string {
  return typeof input === 'string' ? input : input.before;
}
