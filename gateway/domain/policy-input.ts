import { z } from 'zod';
import { type ExactJson, isList, isObject, parseExactly, parseReadably } from '../json/exact-json.ts';
import { type CheckedJson, ScannedObject } from '../json/scanned-object.ts';
import { parseSpans } from '../json/text.ts';
import { beginningOf, type CallInput, InputParts } from './call-input.ts';
import { NO_CLAIMS, type Claims } from './call.ts';
import type { Principal } from './principal.ts';
import type { Spender } from './usage.ts';
import { iso } from './time.ts';

/**
 * The policy input: one call as Rego sees it, as JSON text. `policies/input.schema.json` describes it for authors.
 *
 *     { "principal": { …, "session" },
 *       "action": { "repeat"?, "other_case"?, "system", …, "query", "headers", "body_bytes", "body"?, "graphql"?, "readings"?,
 *                   "mcp"?, "tool"?, "arguments"? },
 *       "resource", "context", "usage"?, "answer"? }
 *
 * It is text, not an object, so that it contains the agent's own body text: what is judged is what is sent. Only this
 * file knows the order and the names of its members.
 */
export type PolicyInput = string;

/** The place of the system's name, by which rules are chosen. */
export const SYSTEM_PLACE = ['action', 'system'] as const;
/** The place of the body. */
export const BODY_PLACE = ['action', 'body'] as const;
/** The place of the request's headers, and of the response's. */
export const HEADERS_PLACE = ['action', 'headers'] as const;
export const ANSWER_HEADERS_PLACE = ['answer', 'headers'] as const;
/** Members that are in the input of other evaluations: each of these never sees them. */
export const MEMBERS_OF_OTHERS: Readonly<Record<'decision' | 'drift', readonly string[]>> = {
  decision: ['answer', 'input', 'result'],
  drift: ['input', 'result'],
};
/** JSON pointer to the percent-encoded path. */
export const PATH_POINTER = '/action/path';

export const REPEAT_PLACE = ['action', 'repeat'] as const;
export const USAGE_PLACE = ['usage'] as const;

const QUERY = ',"query":';
const ACTION = ',"action":{';
const REPEAT = '"repeat":{';
const OTHER_CASE = '"other_case":true,';
const USAGE = ',"usage":{"agent":';

const principalTexts = new WeakMap<Principal, string>();

/** The text that all calls of one principal share, written once for each. */
export function principalText(principal: Principal): string {
  let text = principalTexts.get(principal);
  if (text === undefined) {
    const { agent, owner, roles, onBehalfOf } = principal;
    const json = JSON.stringify({ agent, owner, roles, on_behalf_of: onBehalfOf });
    // The object stays open: the session differs from call to call.
    text = `{"principal":${json.slice(0, -1)},"session":`;
    principalTexts.set(principal, text);
  }
  return text;
}

/** The text that depends on method and path alone. Cache it for repeated calls. */
export type ActionText = { readonly opening: string; readonly resource: string };

export function actionText(
  system: string,
  action: {
    readonly operation: string;
    readonly method: string;
    readonly path: string;
    readonly segments: readonly string[];
    readonly protocol: string;
    /** Not as sent: the path in the case in which policy spells it. */
    readonly isOtherCase?: boolean;
  },
  resource: { readonly type: string; readonly id: string | null },
): ActionText {
  const { operation, method, path, segments, protocol, isOtherCase = false } = action;
  const members = JSON.stringify({ system, operation, method, path, segments, protocol });
  return {
    opening: `}${ACTION}${isOtherCase ? OTHER_CASE : ''}${members.slice(1, -1)}${QUERY}`,
    resource: `},"resource":${JSON.stringify(resource)}`,
  };
}

/** The time and address of a call's arrival, and the agent's claims about it. */
type Context = { readonly at: number; readonly ip: string; readonly claims: Claims };

/**
 * Assembles an input.
 * @param principal written by `principalText`
 * @param query JSON text
 * @param headers JSON text
 * @param body null if policy cannot read the body, or there is none
 * @param graphql JSON text; null if the call is no GraphQL request
 * @param readings in how many ways systems may read the call; policy and record are told when there are several
 */
export function createInput(
  principal: string,
  action: ActionText,
  query: string,
  headers: string,
  bodyBytes: number,
  body: CheckedJson | null,
  context: Context,
  graphql: string | null = null,
  readings = 1,
): CallInput {
  const { session } = context.claims;
  const before =
    principal +
    (session === undefined ? 'null' : JSON.stringify(session)) +
    action.opening +
    query +
    `,"headers":${headers},"body_bytes":${bodyBytes}` +
    (body === null ? '' : ',"body":');
  const after =
    (graphql === null ? '' : `,"graphql":${graphql}`) +
    (readings === 1 ? '' : `,"readings":${readings}`) +
    action.resource +
    contextText(context);
  return body instanceof ScannedObject ? new InputParts(before, body, after) : before + (body ?? '') + after;
}

/** What policy sees of a message of MCP. */
export type McpAction = {
  /** The method of JSON-RPC, or what a request without a message does. */
  readonly method: string;
  readonly era: 'legacy' | 'modern';
  /** The server asks the client. */
  readonly fromServer?: boolean;
  /** For `tools/call` alone. */
  readonly tool?: string;
  /** JSON text; null if the message has none. */
  readonly args: string | null;
};

/** Assembles the input of a message of MCP. The parameters are those of `createInput`. */
export function createMcpInput(
  principal: string,
  action: ActionText,
  query: string,
  headers: string,
  bodyBytes: number,
  { method, era, fromServer = false, tool, args }: McpAction,
  context: Context,
): PolicyInput {
  const { session } = context.claims;
  const mcp = JSON.stringify({ method, era, ...(fromServer && { from: 'server' }) });
  return (
    principal +
    (session === undefined ? 'null' : JSON.stringify(session)) +
    action.opening +
    query +
    `,"headers":${headers},"body_bytes":${bodyBytes},"mcp":${mcp}` +
    (tool === undefined ? '' : `,"tool":${JSON.stringify(tool)}`) +
    (args === null ? '' : `,"arguments":${args}`) +
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

/** Calls of the same millisecond share its text. */
function timeText(at: number): string {
  if (lastTime.at !== at) lastTime = { at, text: iso(at) };
  return lastTime.text;
}

const message = z.object({
  action: z.object({ mcp: z.object({ method: z.string(), era: z.enum(['legacy', 'modern']) }) }),
});

/** The message of MCP that an input describes; null if it describes another call. */
export function mcpOf(input: PolicyInput): Pick<McpAction, 'method' | 'era'> | null {
  return message.safeParse(JSON.parse(input)).data?.action.mcp ?? null;
}

/**
 * The input of another message on the same way: what a server asks its client, or a tool that is listed. It has the
 * principal, headers and claims of the one before, which may have opened its stream hours ago.
 * @param at milliseconds since the epoch
 */
export function withMcp(
  input: PolicyInput,
  operation: string,
  resource: { readonly type: string; readonly id: string | null },
  { method, era, fromServer = false, tool, args, isListing = false }: McpAction & { readonly isListing?: boolean },
  at: number,
): PolicyInput {
  const { members } = parseSpans(input);
  const written = (from: typeof members, leaveOut: readonly string[]) =>
    [...from].flatMap(([name, { value }]) =>
      leaveOut.includes(name) ? [] : [`${JSON.stringify(name)}:${input.slice(value.start, value.end)}`],
    );
  const mcp = { method, era, ...(fromServer && { from: 'server' }) };
  const action = [
    ...written(members.get('action')!.value.members, ['repeat', 'operation', 'mcp', 'tool', 'arguments', 'listing']),
    `"operation":${JSON.stringify(operation)},"mcp":${JSON.stringify(mcp)}`,
    ...(tool === undefined ? [] : [`"tool":${JSON.stringify(tool)}`]),
    ...(args === null ? [] : [`"arguments":${args}`]),
    ...(isListing ? ['"listing":true'] : []),
  ];
  const context = [`"time":"${timeText(at)}"`, ...written(members.get('context')!.value.members, ['time'])];
  const others = [`"resource":${JSON.stringify(resource)}`, `"context":{${context.join(',')}}`];
  const [principal = '', ...rest] = written(members, ['action', 'resource', 'usage', 'context']);
  return `{${principal}${ACTION}${action.join(',')}},${[...others, ...rest].join(',')}}`;
}

/**
 * Adds `usage` to an input without it.
 * @param usage JSON text of an object whose first member is `agent`
 */
export function withUsage<Input extends CallInput>(input: Input, usage: string): Input;
export function withUsage(input: CallInput, usage: string): CallInput {
  if (typeof input !== 'string') return new InputParts(input.before, input.body, withUsage(input.after, usage));
  return `${input.slice(0, -1)},"usage":${usage}}`;
}

/** Removes `usage` from an input. It is always the last member, so its last match cannot be text of a body. */
export function withoutUsage(input: PolicyInput): PolicyInput {
  return `${input.slice(0, input.lastIndexOf(USAGE))}}`;
}

/**
 * Adds `action.repeat` to an input, or replaces it. What comes before the action has only texts, and in a text its
 * opening would be escaped.
 * @param repeat JSON text of an object that contains no other
 */
export function withRepeat<Input extends CallInput>(input: Input, repeat: string): Input;
export function withRepeat(input: CallInput, repeat: string): CallInput {
  if (typeof input !== 'string') return new InputParts(withRepeat(input.before, repeat), input.body, input.after);
  const start = input.indexOf(ACTION) + ACTION.length;
  return `${input.slice(0, start)}"repeat":${repeat},${input.slice(afterRepeat(input))}`;
}

/** Whether an input is a reading of a call whose path policy spells in another case. */
export function isOtherCase(input: CallInput): boolean {
  const text = beginningOf(input);
  return text.startsWith(OTHER_CASE, afterRepeat(text));
}

/** Where the members of the action follow that do not change with time. */
function afterRepeat(input: PolicyInput): number {
  const start = input.indexOf(ACTION) + ACTION.length;
  return input.startsWith(REPEAT, start) ? input.indexOf('},', start) + 2 : start;
}

/** The agent, owner and operation that a stored input names, and whether it has `usage`. */
export function spenderOf(input: PolicyInput): Spender & { readonly hasUsage: boolean } {
  const { principal, action, usage } = JSON.parse(input) as { principal: Spender; action: Spender; usage?: unknown };
  const { agent, owner } = principal;
  const { system, operation } = action;
  return { agent, owner, system, operation, hasUsage: usage !== undefined };
}

/** Adds the upstream's answer to a call's input, for drift rules. @param answer JSON text */
export function withAnswer(input: PolicyInput, answer: string): PolicyInput {
  return `${input.slice(0, -1)},"answer":${answer}}`;
}

/**
 * Replaces the body of an input; null if the input does not contain the judged body.
 * @param judged the judged body, as JSON text
 * @param body the new body, as JSON text
 * @param bytes the length of the new body as it will be sent
 */
export function withBody(input: PolicyInput, judged: string, body: string, bytes: number): PolicyInput | null {
  const action = parseSpans(input).members.get('action')?.value.members;
  const old = action?.get('body')?.value;
  const size = action?.get('body_bytes')?.value;
  if (!old || !size || size.start > old.start) return null;
  // The input contains a JSON body with the white space around it.
  const start = old.start - parseSpans(judged).start;
  const end = start + judged.length;
  if (input.slice(start, end) !== judged) return null;
  return input.slice(0, size.start) + bytes + input.slice(size.end, start) + body + input.slice(end);
}

/** The body as policy sees it, as JSON text; null if policy cannot read it, or there is none. */
export function bodyTextOf(input: PolicyInput): string | null {
  const value = parseSpans(input).members.get('action')?.value.members.get('body')?.value;
  return value ? input.slice(value.start, value.end) : null;
}

/** Whether policy sees the same body in all readings of a call. */
export function haveOneBody(readings: readonly PolicyInput[]): boolean {
  return new Set(readings.map(bodyTextOf)).size === 1;
}

/** What the GraphQL operations of an input were read from, apart from the body, and the operations: both JSON text. */
export function graphqlOf(input: PolicyInput): {
  readonly segments: readonly string[];
  readonly query: string;
  readonly graphql: string | null;
} {
  const action = parseSpans(input).members.get('action')!.value.members;
  const textOf = (name: string) => {
    const value = action.get(name)?.value;
    return value ? input.slice(value.start, value.end) : null;
  };
  return {
    segments: JSON.parse(textOf('segments') ?? '[]') as string[],
    query: textOf('query') ?? '{}',
    graphql: textOf('graphql'),
  };
}

/**
 * What policy sees of a body, with exact numbers: of a call of a tool, its arguments. Undefined if policy cannot read it,
 * or there is none.
 */
export function bodyOf(input: PolicyInput): ExactJson | undefined {
  const action = memberOf(parseExactly(input), 'action');
  if (memberOf(action, 'tool') === undefined) return memberOf(action, 'body');
  return memberOf(action, 'arguments') ?? {};
}

/** Whether an input describes a call of a tool. */
export function isToolCall(input: PolicyInput): boolean {
  return parseSpans(input).members.get('action')?.value.members.has('tool') ?? false;
}

/**
 * Replaces the arguments of a tool in an input that has some.
 * @param args JSON text
 * @param bytes the length of the new body as it will be sent
 */
export function withArguments(input: PolicyInput, args: string, bytes: number): PolicyInput {
  const action = parseSpans(input).members.get('action')!.value.members;
  const size = action.get('body_bytes')!.value;
  const old = action.get('arguments')!.value;
  return input.slice(0, size.start) + bytes + input.slice(size.end, old.start) + args + input.slice(old.end);
}

/** Length of the beginning that an agent's calls to one path share. No value lies on both sides of its end. */
export function sharedLength(input: PolicyInput): number {
  return Math.max(0, input.indexOf(QUERY));
}

/** Whether all readings of a call have one path. */
export function haveOnePath(readings: readonly CallInput[]): boolean {
  const paths = readings.map(beginningOf).map((reading) => reading.slice(0, sharedLength(reading)));
  return new Set(paths).size === 1;
}

/** The parts of an input that an event also has as columns; null if the input has no such text. */
type InputColumns = {
  readonly path: string | null;
  readonly resourceType: string | null;
  /** Undefined: the member exists, but is neither text nor null. */
  readonly resourceId: string | null | undefined;
  readonly session: string | null;
  readonly task: string | null;
  readonly flags: readonly string[];
  readonly confidence: ExactJson | undefined;
};

/** Reads the columns from an input that may be masked: any member may be missing or of another type. */
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

/** The parts of an input that a reviewer sees. Other members, or members of another type, are not shown. */
const shown = z.object({
  principal: z.object({ session: text }).catch({ session: null }),
  action: z
    .object({
      headers: z.record(z.string(), z.string()).catch({}),
      body: z.unknown().optional(),
      tool: z.string().nullable().catch(null),
      arguments: z.unknown().optional(),
    })
    .catch({ headers: {}, body: null, tool: null, arguments: null })
    // What a tool is called with is what people read and edit.
    .transform(({ headers, body, tool, arguments: args = {} }) => ({
      headers,
      tool,
      body: tool === null ? body : args,
    })),
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

/** The parts of an input that a reviewer sees; empty values if there is no input. */
export function showInput(input: PolicyInput | null): ShownInput {
  return shown.parse(input === null ? {} : parseReadably(input));
}

/** What distinguishes one reading of a call from another. */
export type Reading = { readonly operation: string; readonly segments: readonly string[]; readonly body: unknown };

const reading = z.object({
  action: z.object({ operation: z.string(), segments: z.array(z.string()), body: z.unknown().optional() }),
});

/** The reading that an input describes, for reviewers. */
export function readingOf(input: PolicyInput): Reading {
  const { operation, segments, body } = reading.parse(parseReadably(input)).action;
  return { operation, segments, body: body ?? null };
}

function memberOf(value: ExactJson | undefined, name: string): ExactJson | undefined {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function textAt(value: ExactJson | undefined, name: string): string | null {
  const member = memberOf(value, name);
  return typeof member === 'string' ? member : null;
}
