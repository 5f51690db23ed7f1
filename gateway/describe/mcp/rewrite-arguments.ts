import type { HeldCall } from '../../domain/hold.ts';
import { Problem } from '../../domain/problem.ts';
import { isList, isObject, type ExactJson } from '../../json/exact-json.ts';
import { valueAt } from '../../json/pointer.ts';
import { parseSpans, rewriteJson } from '../../json/text.ts';
import { readMessages } from '../../mcp/message.ts';
import { decodedHeader } from './routing-headers.ts';

/**
 * The body of a call of a tool with other arguments; all else, and every argument that stays, is the same byte for byte.
 * @param changed JSON pointers of what differs between `before` and `after`
 * @returns why it cannot be done, as text, if it cannot
 */
export function rewriteArguments(
  { headers, body }: Pick<HeldCall, 'headers' | 'body'>,
  before: ExactJson,
  after: ExactJson,
  changed: readonly string[],
): { readonly body: Buffer; readonly args: string } | string {
  const repeated = new Set(changed.flatMap((pointer) => scalarsIn(valueAt(before, pointer) as ExactJson | undefined)));
  const header = headers.find(
    (name, i) => i % 2 === 0 && /^mcp-param-/i.test(name) && repeated.has(decodedHeader(headers[i + 1]) ?? ''),
  );
  // Which argument a header repeats is known to the server alone, which refuses a call whose header does not fit.
  if (header !== undefined)
    return `The agent repeated what the edit changes in the header ${header}, so it cannot be edited. Reject the call, or take it over.`;

  const text = body.toString('utf8');
  const span = parseSpans(text).members.get('params')?.value.members.get('arguments')?.value;
  if (!span) return 'The call has no arguments, so there is nothing to edit. Reject it, or take it over.';
  const args = rewriteJson(text.slice(span.start, span.end), before, after);
  const edited = Buffer.from(text.slice(0, span.start) + args + text.slice(span.end));
  try {
    const [message] = readMessages(edited).all;
    return message.args === args ? { body: edited, args } : 'The edit cannot be expressed exactly.';
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    return `The gateway would reject the edited call. ${problem.message}`;
  }
}

/** As a header repeats them. */
function scalarsIn(value: ExactJson | undefined): string[] {
  if (value === undefined || value === null) return [];
  if (isList(value)) return value.flatMap(scalarsIn);
  if (isObject(value)) return Object.values(value).flatMap(scalarsIn);
  return [typeof value === 'string' ? value : JSON.stringify(value)];
}
