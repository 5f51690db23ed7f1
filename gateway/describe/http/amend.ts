import { isUtf8 } from 'node:buffer';
import { type ExactJson, isExactJson, isList, isObject, isSameJson, parseExactly } from '../../json/exact-json.ts';
import type { NotAmended } from '../../domain/amendment.ts';
import type { HeldCall } from '../../domain/hold.ts';
import type { RepeatedArgument } from '../../domain/repeated-argument.ts';
import {
  bodyOf,
  graphqlOf,
  haveOneBody,
  isToolCall,
  type PolicyInput,
  withArguments,
  withBody,
} from '../../domain/policy-input.ts';
import { isWithin, pointerTo } from '../../json/pointer.ts';
import { jsonText } from '../../json/scanned-object.ts';
import { Problem } from '../../domain/problem.ts';
import { rewriteArguments } from '../mcp/rewrite-arguments.ts';
import { areLines } from './bodies/lines.ts';
import { readBodyAs } from './body-json.ts';
import { rewriteForm, withoutEmptied, withoutTypes } from './form-text.ts';
import { isGraphqlPath, readGraphql } from './graphql.ts';
import { MAX_DEPTH } from '../../json/validate.ts';
import { rewriteJson } from '../../json/text.ts';
import { bodyKind } from './media-type.ts';
import { applyPatch, JsonPatch, JsonPatchError } from '../../json/json-patch.ts';
import { mergePatch } from '../../json/merge-patch.ts';

/** Most bytes of an edited body; far above any edit by hand. */
export const MOST_AMENDED = 1024 * 1024;

/**
 * Headers that carry a digest of the body (RFC 9530, and the older RFC 3230 and RFC 1864). An edit would invalidate
 * them.
 */
const DIGESTS = ['content-digest', 'repr-digest', 'digest', 'content-md5'];

const UNSEEN = 'Policy cannot see into the body, so it cannot be edited. Reject the call, or take it over.';

/**
 * Applies a reviewer's edit to a held call, in the encoding that the agent chose.
 *
 * @param edit a merge patch (RFC 7396) or a `JsonPatch` (RFC 6902) over the body as policy sees it; of a call of a tool,
 *   over its arguments
 * @param editable JSON pointers (RFC 6901) of what may change, with everything below them; `""` is the whole body
 * @param repeated the arguments of a tool that headers repeat; null if that is not known
 * @returns the call as it would have been described had the agent sent it so, unedited values the same byte for byte;
 *   or why the edit is refused, as when the encoding cannot express it exactly
 */
export function amendCall(
  call: HeldCall,
  edit: unknown,
  editable: readonly string[],
  repeated: readonly RepeatedArgument[] | null = null,
): HeldCall | NotAmended {
  const given = edit instanceof JsonPatch ? edit.operations : edit;
  if (!isExactJson(given, MAX_DEPTH)) return refused('The edit is not JSON, or is nested too deeply.');
  if (call.otherReadings && !haveOneBody([call.input, ...call.otherReadings])) {
    return refused(
      'Systems may read the body of this call in several ways, so it cannot be edited. Reject it, or take it over.',
    );
  }
  const digest = DIGESTS.find((name) => headerOf(call, name) !== undefined);
  if (digest) {
    return refused(
      `The agent sent a digest of the body in ${digest}, so it cannot be edited. Reject the call, or take it over.`,
    );
  }
  if ((headerOf(call, 'content-encoding') ?? 'identity').toLowerCase() !== 'identity')
    return refused('The agent sent the body compressed, so it cannot be edited. Reject the call, or take it over.');
  const seen = bodyOf(call.input);
  if (seen === undefined) return refused(UNSEEN);
  if (isToolCall(call.input)) return amendArguments(call, seen, edit, given, editable, repeated);
  const contentType = headerOf(call, 'content-type');
  const [path] = call.target.split('?', 1) as [string];
  const kind = bodyKind(contentType);
  const form = kind === 'form';
  const isEditable = form || (kind === 'json' && !areLines(path, call.body));
  if (!isEditable) return refused('A body of this type cannot be edited. Reject the call, or take it over.');
  const judged = bodyJson(call.body, contentType, path);
  const text = call.body.toString('utf8');
  if (form ? !isUtf8(call.body) || text.startsWith(judged) : text !== judged) {
    return refused(
      'The body is not UTF-8 text of the type that its Content-Type names, so it cannot be edited. Reject the call, or take it over.',
    );
  }

  const before = parseExactly(judged);
  const proposed = propose(before, edit, given, editable, form ? withoutTypes : (wanted) => wanted);
  if ('detail' in proposed) return proposed;
  const { wanted } = proposed;

  const after = form ? withoutEmptied(before, wanted) : wanted;
  const body = Buffer.from(form ? rewriteForm(text, after) : rewriteJson(text, before, after));
  if (body.length === 0) return refused('The edit leaves no body. Keep at least one field.');
  if (body.length > MOST_AMENDED) return refused(`The edit makes the body larger than ${MOST_AMENDED} bytes.`);
  return reread(call, judged, body, (edited) => bodyJson(edited, contentType, path), after);
}

/** A call of a tool: what is edited are its arguments. */
function amendArguments(
  call: HeldCall,
  before: ExactJson,
  edit: unknown,
  given: ExactJson,
  editable: readonly string[],
  repeated: readonly RepeatedArgument[] | null,
): HeldCall | NotAmended {
  const proposed = propose(before, edit, given, editable);
  if ('detail' in proposed) return proposed;
  const { wanted, changed } = proposed;
  const rewritten = rewriteArguments(call, before, wanted, changed, repeated);
  if (typeof rewritten === 'string') return refused(rewritten);
  const { body, args } = rewritten;
  if (body.length > MOST_AMENDED) return refused(`The edit makes the body larger than ${MOST_AMENDED} bytes.`);
  const headers = withLength(rewritten, body.length);
  return { ...call, headers, body, input: withArguments(call.input, args, body.length) };
}

/** What the edit makes of the body as policy sees it, and the places that it changes; or why it may not. */
function propose(
  before: ExactJson,
  edit: unknown,
  given: ExactJson,
  editable: readonly string[],
  prepare = (patched: ExactJson): ExactJson => patched,
): { readonly wanted: ExactJson; readonly changed: readonly string[] } | NotAmended {
  const patched = edit instanceof JsonPatch ? patchedBy(before, given) : mergePatch(before, given);
  if (patched instanceof JsonPatchError)
    return refused(`Operation ${patched.pointer} of the patch: ${patched.message}.`);
  const wanted = prepare(patched);
  const changed = [...differences(before, wanted, '')];
  if (changed.length === 0) return refused('The edit changes nothing. Approve the call as it is, or change something.');
  const barred = changed.find((pointer) => !editable.some((above) => isWithin(pointer, above)));
  return barred === undefined ? { wanted, changed } : refused(notEditable(barred, editable), barred);
}

function patchedBy(before: ExactJson, operations: ExactJson): ExactJson | JsonPatchError {
  try {
    return applyPatch(before, operations);
  } catch (error) {
    if (error instanceof JsonPatchError) return error;
    throw error;
  }
}

/** The amended call, provided the gateway reads the new body back as intended. */
function reread(
  call: HeldCall,
  judged: string,
  body: Buffer,
  read: (body: Buffer) => string,
  wanted: ExactJson,
): HeldCall | NotAmended {
  let json: string;
  try {
    json = read(body);
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    return refused(`The gateway would reject the edited body. ${problem.message}`);
  }
  const [unlike] = differences(wanted, parseExactly(json), '');
  if (unlike !== undefined) return refused('A body of this type cannot express this edit.', unlike);
  const readings: PolicyInput[] = [];
  for (const reading of [call.input, ...(call.otherReadings ?? [])]) {
    const { segments, query, graphql } = graphqlOf(reading);
    if (readGraphql(isGraphqlPath(segments), query, json) !== graphql)
      return refused('An edit may not change the operations of a GraphQL request. Reject the call, or take it over.');
    const amended = withBody(reading, judged, json, body.length);
    if (amended === null)
      return refused('The gateway now reads the body in another way than when it was held. Reject the call.');
    readings.push(amended);
  }
  const [input, ...otherReadings] = readings as [PolicyInput, ...PolicyInput[]];
  return { ...call, headers: withLength(call, body.length), body, input, ...(call.otherReadings && { otherReadings }) };
}

function withLength({ headers }: Pick<HeldCall, 'headers'>, bytes: number): readonly string[] {
  return headers.map((value, index) =>
    index % 2 === 1 && headers[index - 1]!.toLowerCase() === 'content-length' ? String(bytes) : value,
  );
}

/** The usual reading of a body that policy can read. The number of its fields was judged when it arrived. */
function bodyJson(body: Buffer, contentType: string | undefined, path: string): string {
  return jsonText(readBodyAs(body, contentType, Infinity, path)[0]!);
}

/** JSON pointers to where the bodies of two versions of a call differ, as policy sees them. */
export function changedPlaces(before: HeldCall, after: HeldCall): string[] {
  return [...differences(bodyOf(before.input), bodyOf(after.input), '')];
}

/** Where two values differ, as deep as possible. */
function* differences(a: ExactJson | undefined, b: ExactJson | undefined, at: string): Generator<string> {
  if (isObject(a) && isObject(b)) {
    for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
      yield* differences(memberOf(a, name), memberOf(b, name), pointerTo(at, name));
    }
  } else if (isList(a) && isList(b)) {
    for (let i = 0; i < Math.max(a.length, b.length); i++) yield* differences(a[i], b[i], pointerTo(at, i));
  } else if (a === undefined || b === undefined || !isSameJson(a, b)) {
    yield at;
  }
}

function memberOf(value: { readonly [member: string]: ExactJson }, name: string): ExactJson | undefined {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

function headerOf({ headers }: HeldCall, name: string): string | undefined {
  const index = headers.findIndex((each, i) => i % 2 === 0 && each.toLowerCase() === name);
  return index === -1 ? undefined : headers[index + 1];
}

function notEditable(pointer: string, editable: readonly string[]): string {
  const what = pointer === '' ? 'The whole body' : pointer;
  if (editable.length === 0) return `${what} may not be changed: the rules that hold this call allow no edits.`;
  return `${what} may not be changed, only ${editable.join(', ')}.`;
}

function refused(detail: string, pointer: string | null = null): NotAmended {
  return { detail, pointer };
}
