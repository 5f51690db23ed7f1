import { NO_CLAIMS, type Call, type Claims } from '../../domain/call.ts';
import { createHeaderRoles } from '../../domain/header-roles.ts';
import { withoutHeaders } from '../../domain/headers.ts';
import { actionText, createMcpInput, principalText, type ActionText } from '../../domain/policy-input.ts';
import type { Passes } from '../../domain/pass.ts';
import type { AnsweredMessage, RunningTask } from '../../domain/reply.ts';
import type { System } from '../../domain/system.ts';
import { createId, isId } from '../../domain/id.ts';
import { Problem } from '../../domain/problem.ts';
import { MessageError } from '../../mcp/message-error.ts';
import { readMessages, type Message } from '../../mcp/message.ts';
import { nameMessage } from '../../mcp/naming.ts';
import { createSessions, SESSION_HEADER } from '../../mcp/session.ts';
import type { FindTool, ToolDefinition } from '../../mcp/tool-definition.ts';
import {
  CANCELLED,
  CLAIMS_KEY,
  END_SESSION,
  INVALID_PARAMS,
  INVALID_REQUEST,
  MISSING_CAPABILITY,
  RESPONSE,
  REVISION_WITH_BATCHES,
  STREAM,
  type Era,
  TASKS_EXTENSION,
} from '../../mcp/protocol.ts';
import { charsetOf } from '../http/charset.ts';
import { asClaims, parseClaims, parseTraceId } from '../http/context.ts';
import { readQuery } from '../http/form.ts';
import { createHeaderWriter, plainIp, type Arrival } from '../http/http-call.ts';
import { splitTarget } from '../http/path.ts';
import { createRounds, type Rounds } from './rounds.ts';
import { assertPlainHeaders, assertRepeatedArguments, assertRoutingHeaders } from './routing-headers.ts';
import { withoutParam } from './without-param.ts';

/** What a request carries: calls, with what the answer to each depends on. */
export type McpCalls = {
  /** The messages came as an array, and so are answered. */
  readonly isBatch: boolean;
  readonly all: readonly { readonly call: Call; readonly answered: AnsweredMessage }[];
};

/** What the description of messages takes from other parts of the gateway. */
export type McpView = {
  readonly passes: Passes;
  readonly findTool: FindTool;
  /** Whether a rule of the policy in force names tools of the system that it holds. */
  mayHold(system: string, tool: null): boolean;
  beginTask(agent: string, system: string): RunningTask;
};

/**
 * Describes the calls at the MCP endpoint of a system: one for each message of a POST, else one for the stream or the
 * session. Policy sees the name of a tool and its arguments; the server gets the client's bytes.
 *
 * The returned function throws MessageError, and Problem `bad-request`, `bad-body` or `unknown-session`.
 */
export function createMcpDescriber(
  system: System,
  { passes, findTool, mayHold, beginTask }: McpView,
): (arrival: Arrival) => McpCalls | Promise<McpCalls> {
  const rounds = createRounds(system.name, passes);
  const sessions = createSessions(passes, system.name);
  const writeHeaders = createHeaderWriter(createHeaderRoles(system));

  /** @param asText the body of the call is the text of the message, and not that of the request */
  function callOf(arrival: Arrival, message: Message | null, asText: boolean, id = arrival.id): Call {
    const { principal, method, target, headers } = arrival;
    const { path, query } = splitTarget(target);
    const segments = path.split('/').filter((segment) => segment !== '');
    const rpcMethod = message === null ? transportMethod(arrival) : message.method || RESPONSE;
    const { operation, resource } = nameMessage(rpcMethod, message?.subject ?? null);
    const members = { operation, method, path, segments, protocol: 'mcp' };
    const action: ActionText = actionText(system.name, members, resource);
    const claims = claimsOf(arrival, message);
    const body = asText ? Buffer.from(message!.text) : arrival.decoded;
    const era = message?.era ?? 'legacy';
    const { headers: sent, session } = sentHeaders(arrival, era);
    return {
      id,
      receivedAt: arrival.at,
      principal,
      system: system.name,
      operation,
      method,
      target,
      path: path === '' ? '/' : path,
      headers: sent,
      body,
      resource,
      claims,
      idempotencyKey: null,
      traceId: traceIdOf(arrival, message),
      mcp: {
        method: rpcMethod,
        era,
        ...(session !== null && { session }),
        ...(message?.asksForToolChanges && { subscription: message.id! }),
        ...taskOf(message),
        ...requestOf(system.name, arrival, message),
      },
      input: createMcpInput(
        principalText(principal),
        action,
        readQuery(query, system.formFields)[0],
        writeHeaders(headers),
        body.length,
        {
          method: rpcMethod,
          era,
          ...(message?.method === 'tools/call' && { tool: message.subject! }),
          args: message?.args ?? null,
        },
        { at: arrival.at, ip: plainIp(arrival.ip), claims },
      ),
      otherReadings: [],
    };
  }

  /** The headers for the server, and the id of the session as the client has it. */
  function sentHeaders({ rawHeaders, headers, principal, at }: Arrival, era: Era) {
    const session = era === 'legacy' ? ((headers[SESSION_HEADER] as string | undefined) ?? null) : null;
    const id = session === null ? null : sessions.open(principal.agent, session, at);
    if (session !== null && id === null) throw new Problem('unknown-session');
    const kept = withoutHeaders(rawHeaders, (name) => REPLACED.has(name));
    // The gateway reads the messages of the server, so it does not ask for compressed ones.
    return { session, headers: [...kept, 'accept-encoding', 'identity', ...(id === null ? [] : [SESSION_HEADER, id])] };
  }

  /** Only calls of tools are kept waiting in rounds, for clients that know them and take no task instead. */
  function inRounds({ principal }: Arrival, message: Message): ReturnType<Rounds['take']> {
    if (message.era === 'legacy' || message.method !== 'tools/call' || message.takesTasks)
      return { message, next: null };
    return rounds.take(principal.agent, message);
  }

  return (arrival) => {
    assertPlainHeaders(arrival.rawHeaders);
    if (arrival.method !== 'POST') {
      if (arrival.body.length > 0)
        throw new Problem('bad-request', { detail: `Send ${arrival.method} without a body.` });
      const call = callOf(arrival, null, false);
      return {
        isBatch: false,
        all: [{ call, answered: { id: null, method: transportMethod(arrival), era: 'legacy' } }],
      };
    }
    assertUtf8(arrival);
    const { all, isBatch } = readMessages(arrival.decoded);
    if (isBatch) assertBatchable(arrival, all);
    for (const message of all) if (message.kind !== 'response') assertRoutingHeaders(message, arrival.headers);
    if (isBatch) {
      return {
        isBatch,
        all: all.map((message) => ({
          call: callOf(arrival, message, true, createId('call')),
          answered: answeredOf(message),
        })),
      };
    }
    const [sent] = all;
    const tool = needsDefinition(sent) ? findTool(system.name, sent.subject!) : null;
    return tool instanceof Promise ? tool.then((found) => one(arrival, sent, found)) : one(arrival, sent, tool);
  };

  /** @param tool what the server says of the tool, if that matters and is known */
  function one(arrival: Arrival, sent: Message, tool: ToolDefinition | null): McpCalls {
    if (tool && sent.era === 'modern') assertRepeatedArguments(sent, tool.repeated, arrival.headers);
    const runsAs = isOwnTask(sent, tool) ? beginTask(arrival.principal.agent, system.name) : null;
    const { message, next } = runsAs ? { message: withoutParam(sent, 'task'), next: null } : inRounds(arrival, sent);
    const call = callOf(arrival, message, message !== sent);
    const answered = { ...answeredOf(message), ...(next && { nextRound: next }), ...(runsAs && { runsAs }) };
    return { isBatch: false, all: [{ call, answered }] };
  }

  /** Whether the gateway runs the call as a task: it offered that, and the server does not do so itself. */
  function isOwnTask({ era, method, kind, asksForTask }: Message, tool: ToolDefinition | null): boolean {
    const isAsked = asksForTask && era === 'legacy' && method === 'tools/call' && kind === 'request';
    return isAsked && !tool?.runsAsTask && mayHold(system.name, null);
  }
}

/** Whether it matters what the server says of the tool: which headers repeat its arguments, or whether it runs as a task. */
function needsDefinition({ era, method, asksForTask }: Message): boolean {
  return method === 'tools/call' && (era === 'modern' || asksForTask);
}

/** Headers of the client that the server does not get as they are. The body is sent as it was judged, decoded. */
const REPLACED: ReadonlySet<string> = new Set([SESSION_HEADER, 'accept-encoding', 'content-encoding']);

/** @throws Problem `bad-body` for another charset than that of JSON (RFC 8259 section 8.1): a server might heed it */
function assertUtf8({ headers }: Arrival): void {
  if (charsetOf(headers['content-type'] ?? '') !== 'utf-8')
    throw new Problem('bad-body', { detail: 'Send messages of MCP in UTF-8.' });
}

function transportMethod({ method }: Arrival): string {
  return method === 'GET' ? STREAM : END_SESSION;
}

function answeredOf(message: Message): AnsweredMessage {
  const { kind, id, method, era, takesTasks } = message;
  const progressToken = message?.meta?.['progressToken'];
  return {
    id: kind === 'request' ? id : null,
    method,
    era,
    ...(takesTasks && { takesTasks }),
    ...(progressToken !== undefined && { progressToken: JSON.stringify(progressToken) }),
  };
}

/** @throws MessageError -32600 where the revision knows no batches */
function assertBatchable({ headers }: Arrival, all: readonly Message[]): void {
  const revision = headers['mcp-protocol-version'] ?? REVISION_WITH_BATCHES;
  if (revision !== REVISION_WITH_BATCHES || all.some(({ era }) => era === 'modern'))
    throw new MessageError(INVALID_REQUEST, 'This revision of MCP has no batches. Send one message at a time.');
  if (all.some(({ method }) => method === 'initialize'))
    throw new MessageError(INVALID_REQUEST, 'Send initialize by itself: its answer has the id of the session.');
  const ids = all.flatMap(({ kind, id }) => (kind === 'request' ? [id] : []));
  if (new Set(ids).size < ids.length)
    throw new MessageError(INVALID_REQUEST, 'Two requests of the batch have the same id.');
}

/** A request is known by its id within its session, and a session within the agent and the system. */
function requestOf(
  system: string,
  { principal, headers }: Arrival,
  message: Message | null,
): { readonly request?: string; readonly cancels?: string } {
  const session = headers[SESSION_HEADER];
  if (message?.era !== 'legacy' || session === undefined) return {};
  const named = (id: string) => [principal.agent, system, session, id].join(' ');
  if (message.method === CANCELLED && message.requestId !== null) return { cancels: named(message.requestId) };
  return message.kind === 'request' ? { request: named(message.id!) } : {};
}

/** The methods that the gateway answers for tasks of its own. */
const OF_TASKS: Readonly<Record<Era, ReadonlySet<string>>> = {
  legacy: new Set(['tasks/get', 'tasks/result', 'tasks/cancel']),
  modern: new Set(['tasks/get', 'tasks/update', 'tasks/cancel']),
};

/** Ids of other forms are those of the system's own tasks. */
function isOwnTaskId(id: string): boolean {
  return isId('hold', id) || isId('task', id.split('.', 1)[0]!);
}

/** @throws MessageError -32021 if the client of 2026-07-28 did not declare that it knows tasks */
function taskOf(message: Message | null): { readonly task?: string } {
  if (!message || !OF_TASKS[message.era].has(message.method)) return {};
  const { subject, takesTasks, era, id } = message;
  if (subject === null || !isOwnTaskId(subject)) return {};
  if (takesTasks || era === 'legacy') return { task: subject };
  const detail = `Declare the extension ${TASKS_EXTENSION} with each request about a task.`;
  const requiredCapabilities = { extensions: { [TASKS_EXTENSION]: {} } };
  throw new MessageError(MISSING_CAPABILITY, detail, id, { requiredCapabilities });
}

function claimsOf({ headers }: Arrival, message: Message | null): Claims {
  const context = message?.meta?.[CLAIMS_KEY];
  const header = headers['agent-context'];
  try {
    if (isObject(context)) return asClaims(context, `_meta["${CLAIMS_KEY}"]`);
    return typeof header === 'string' ? parseClaims(header) : NO_CLAIMS;
  } catch (reason) {
    if (!(reason instanceof Problem) || !message) throw reason;
    throw new MessageError(INVALID_PARAMS, reason.message, message.id);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function traceIdOf({ headers }: Arrival, message: Message | null): string | null {
  const inMeta = message?.meta?.['traceparent'];
  return parseTraceId(typeof inMeta === 'string' ? inMeta : (headers.traceparent as string | undefined));
}
