import { z } from 'zod';
import { type ExactJson, isList, isObject, parseExactly, parseReadably } from '../json/exact-json.ts';
import { parseSpans } from '../json/text.ts';
import { NO_CLAIMS, type Claims } from './call.ts';
import type { Principal } from './principal.ts';
import type { Spender } from './usage.ts';
import { iso } from './time.ts';

/**
 * The policy input: one call as Rego sees it, as JSON text. `policies/input.schema.json` describes it for authors.
 *
 *     { "principal": { …, "session" }, "action": { "system", …, "query", "headers", "body_bytes", "body"? },
 *       "resource", "context", "usage"?, "answer"? }
 *
 * It is text, not an object, so that the body in it is the agent's own text: what is judged is what is sent. This is the
 * only file that knows the order and the names of its members.
 */
export type PolicyInput = string;

/** Place of the name by which rules are chosen. */
export const SYSTEM_PLACE = ['action', 'system'] as const;
/** JSON pointer of the string that is a path, percent-encoded. */
export const PATH_POINTER = '/action/path';

const QUERY = ',"query":';
const USAGE = ',"usage":{"agent":';

/** What all calls of one principal share, to be written once. */
export function principalText({ agent, owner, roles, onBehalfOf }: Principal): string {
  const json = JSON.stringify({ agent, owner, roles, on_behalf_of: onBehalfOf });
  // Left open: the session differs from call to call.
  return `{"principal":${json.slice(0, -1)},"session":`;
}

/** What follows from method and path alone, to be written once for calls that are made again. */
export type ActionText = { readonly opening: string; readonly resource: string };

export function actionText(
  system: string,
  action: {
    readonly operation: string;
    readonly method: string;
    readonly path: string;
    readonly segments: readonly string[];
    readonly protocol: string;
  },
  resource: { readonly type: string; readonly id: string | null },
): ActionText {
  const { operation, method, path, segments, protocol } = action;
  const members = JSON.stringify({ system, operation, method, path, segments, protocol });
  return {
    opening: `},"action":${members.slice(0, -1)}${QUERY}`,
    resource: `},"resource":${JSON.stringify(resource)}`,
  };
}

/** Where and when a call came in, and what the agent says of it. */
type Context = { readonly at: number; readonly ip: string; readonly claims: Claims };

/**
 * Puts an input together.
 * @param principal as `principalText` writes it
 * @param query JSON text
 * @param headers JSON text
 * @param body JSON text; null when policy cannot see into the body, or there is none
 */
export function createInput(
  principal: string,
  action: ActionText,
  query: string,
  headers: string,
  bodyBytes: number,
  body: string | null,
  context: Context,
): PolicyInput {
  const { session } = context.claims;
  return (
    principal +
    (session === undefined ? 'null' : JSON.stringify(session)) +
    action.opening +
    query +
    `,"headers":${headers},"body_bytes":${bodyBytes}` +
    (body === null ? '' : `,"body":${body}`) +
    action.resource +
    contextText(context)
  );
}

function contextText({ at, ip, claims }: Context): string {
  const time = `,"context":{"time":"${timeText(at)}","ip":${JSON.stringify(ip)}`;
  // Absent claims are absent, not null: in Rego null is less than any number, so `confidence < 0.8` would be true.
  if (claims === NO_CLAIMS) return `${time},"flags":[],"claims":{}}}`;
  const { task, client, confidence, flags = [], reversible } = claims;
  const known = JSON.stringify({ task, client, confidence, flags, reversible });
  return `${time},${known.slice(1, -1)},"claims":${JSON.stringify(claims)}}}`;
}

let lastTime = { at: NaN, text: '' };

/** Calls that come in the same millisecond share its text. */
function timeText(at: number): string {
  if (lastTime.at !== at) lastTime = { at, text: iso(at) };
  return lastTime.text;
}

/** The input of a call that was not judged before, with `usage`. @param usage JSON text of an object that begins with `agent` */
export function withUsage(input: PolicyInput, usage: string): PolicyInput {
  return `${input.slice(0, -1)},"usage":${usage}}`;
}

/** An input that has `usage`, without it. It is always the last member, so whatever a body says, its beginning is the last. */
export function withoutUsage(input: PolicyInput): PolicyInput {
  return `${input.slice(0, input.lastIndexOf(USAGE))}}`;
}

/** Who called what, as an input that was stored says it; and whether it has `usage`. */
export function spenderOf(input: PolicyInput): Spender & { readonly hasUsage: boolean } {
  const { principal, action, usage } = JSON.parse(input) as { principal: Spender; action: Spender; usage?: unknown };
  const { agent, owner } = principal;
  const { system, operation } = action;
  return { agent, owner, system, operation, hasUsage: usage !== undefined };
}

/** What drift rules judge: the input of the call, and the system's answer to it. @param answer JSON text */
export function withAnswer(input: PolicyInput, answer: string): PolicyInput {
  return `${input.slice(0, -1)},"answer":${answer}}`;
}

/**
 * The input with another body; null when the body in it is not the one that was judged.
 * @param judged the body in it, as JSON text
 * @param body the other one, as JSON text of a body of `bytes` bytes
 */
export function withBody(input: PolicyInput, judged: string, body: string, bytes: number): PolicyInput | null {
  const action = parseSpans(input).members.get('action')?.value.members;
  const old = action?.get('body')?.value;
  const size = action?.get('body_bytes')?.value;
  if (!old || !size || size.start > old.start) return null;
  // A JSON body stands in the input with the space around it.
  const start = old.start - parseSpans(judged).start;
  const end = start + judged.length;
  if (input.slice(start, end) !== judged) return null;
  return input.slice(0, size.start) + bytes + input.slice(size.end, start) + body + input.slice(end);
}

/** The body as policy sees it, with exact numbers; undefined when policy cannot see into it, or there is none. */
export function bodyOf(input: PolicyInput): ExactJson | undefined {
  return memberOf(memberOf(parseExactly(input), 'action'), 'body');
}

/** Length of what calls of one agent to one path have in common at the beginning; no value stands on both sides of it. */
export function sharedLength(input: PolicyInput): number {
  return Math.max(0, input.indexOf(QUERY));
}

/** What an event repeats of the input in columns of its own; null where the input has no such text. */
type InputColumns = {
  readonly path: string | null;
  readonly resourceType: string | null;
  /** Undefined: it is there, and is neither text nor null. */
  readonly resourceId: string | null | undefined;
  readonly session: string | null;
  readonly task: string | null;
  readonly flags: readonly string[];
  readonly confidence: ExactJson | undefined;
};

/** Reads the columns from an input that may have been masked: anything can be missing, or be of another kind. */
export function columnsOf(input: ExactJson | undefined): InputColumns {
  const resource = memberOf(input, 'resource');
  const context = memberOf(input, 'context');
  const id = memberOf(resource, 'id');
  const flags = memberOf(context, 'flags');
  return {
    path: textAt(memberOf(input, 'action'), 'path'),
    resourceType: textAt(resource, 'type'),
    resourceId: id === null || typeof id === 'string' ? id : undefined,
    session: textAt(memberOf(input, 'principal'), 'session'),
    task: textAt(context, 'task'),
    flags: isList(flags) ? flags.filter((flag) => typeof flag === 'string') : [],
    confidence: memberOf(context, 'confidence'),
  };
}

const text = z.string().nullable().catch(null);

/** The parts of an input that a reviewer is shown. Anything else in it, or of another shape, is not shown. */
const shown = z.object({
  principal: z.object({ session: text }).catch({ session: null }),
  action: z
    .object({ headers: z.record(z.string(), z.string()).catch({}), body: z.unknown(), tool: text })
    .catch({ headers: {}, body: null, tool: null }),
  resource: z.object({ type: z.string(), id: z.string().nullable() }).nullable().catch(null),
  context: z
    .object({
      flags: z.array(z.string()).catch([]),
      confidence: z.number().nullable().catch(null),
      reversible: z.boolean().nullable().catch(null),
      claims: z.record(z.string(), z.unknown()).catch({}),
    })
    .catch({ flags: [], confidence: null, reversible: null, claims: {} }),
});

export type ShownInput = z.output<typeof shown>;

/** What a reviewer is shown of an input; of none, the same without values. */
export function showInput(input: PolicyInput | null): ShownInput {
  return shown.parse(input === null ? {} : parseReadably(input));
}

function memberOf(value: ExactJson | undefined, name: string): ExactJson | undefined {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function textAt(value: ExactJson | undefined, name: string): string | null {
  const member = memberOf(value, name);
  return typeof member === 'string' ? member : null;
}
