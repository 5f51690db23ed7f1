import { withoutHeaders } from '../../domain/headers.ts';
import type { HeldCall } from '../../domain/hold.ts';
import type { RepeatedArgument } from '../../domain/repeated-argument.ts';
import { Problem } from '../../domain/problem.ts';
import { isList, isObject, type ExactJson } from '../../json/exact-json.ts';
import { valueAt } from '../../json/pointer.ts';
import { parseSpans, rewriteJson } from '../../json/text.ts';
import { readMessages } from '../../mcp/message.ts';
import { decodedHeader, encodedHeader, PARAM_PREFIX, repeatedValue } from '../../mcp/tool-definition.ts';

/** The parts of a call of a tool that its arguments determine. */
type Rewritten = Pick<HeldCall, 'headers' | 'body'> & { readonly args: string };

/**
 * A call of a tool with other arguments, and with the headers that repeat them; all else, and every argument that stays,
 * is the same byte for byte.
 * @param changed JSON pointers of what differs between `before` and `after`
 * @param repeated the arguments that headers repeat; null if that is not known
 * @returns why it cannot be done, as text, if it cannot
 */
export function rewriteArguments(
  { headers, body }: Pick<HeldCall, 'headers' | 'body'>,
  before: ExactJson,
  after: ExactJson,
  changed: readonly string[],
  repeated: readonly RepeatedArgument[] | null,
): Rewritten | string {
  const unknown = repeated === null ? findRepeated(headers, before, changed) : null;
  // The server refuses a call whose header does not fit.
  if (unknown !== null)
    return `The agent repeated what the edit changes in the header ${unknown}, and the gateway has not seen how the tool declares it, so it cannot be edited. Reject the call, or take it over.`;

  const text = body.toString('utf8');
  const span = parseSpans(text).members.get('params')?.value.members.get('arguments')?.value;
  if (!span) return 'The call has no arguments, so there is nothing to edit. Reject it, or take it over.';
  const args = rewriteJson(text.slice(span.start, span.end), before, after);
  const edited = Buffer.from(text.slice(0, span.start) + args + text.slice(span.end));
  try {
    const [message] = readMessages(edited).all;
    if (message.args !== args) return 'The edit cannot be expressed exactly.';
    return { headers: withRepeated(headers, before, after, repeated ?? []), body: edited, args };
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    return `The gateway would reject the edited call. ${problem.message}`;
  }
}

/** The name of a header that seems to repeat what changes; null if there is none. */
function findRepeated(headers: readonly string[], before: ExactJson, changed: readonly string[]): string | null {
  const values = new Set(changed.flatMap((pointer) => scalarsIn(valueAt(before, pointer) as ExactJson | undefined)));
  const repeats = (name: string, i: number) =>
    i % 2 === 0 && name.toLowerCase().startsWith(PARAM_PREFIX) && values.has(decodedHeader(headers[i + 1]) ?? '');
  return headers.find(repeats) ?? null;
}

/** The headers, with those that repeat an argument as it is now. */
function withRepeated(
  headers: readonly string[],
  before: ExactJson,
  after: ExactJson,
  repeated: readonly RepeatedArgument[],
): readonly string[] {
  return repeated.reduce<readonly string[]>((kept, argument) => {
    const value = repeatedValue(after, argument);
    if (value === repeatedValue(before, argument)) return kept;
    const others = withoutHeaders(kept, (name) => name === argument.header);
    return value === null ? others : [...others, argument.header, encodedHeader(value)];
  }, headers);
}

/** As a header repeats them. */
function scalarsIn(value: ExactJson | undefined): string[] {
  if (value === undefined || value === null) return [];
  if (isList(value)) return value.flatMap(scalarsIn);
  if (isObject(value)) return Object.values(value).flatMap(scalarsIn);
  return [typeof value === 'string' ? value : JSON.stringify(value)];
}
