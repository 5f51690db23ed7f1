import { NO_CLAIMS, type Call, type Claims } from '../../domain/call.ts';
import { createHeaderRoles } from '../../domain/header-roles.ts';
import { actionText, createMcpInput, principalText, type ActionText } from '../../domain/policy-input.ts';
import type { AnsweredMessage } from '../../domain/reply.ts';
import type { System } from '../../domain/system.ts';
import { createId } from '../../domain/id.ts';
import { MessageError } from '../../mcp/message-error.ts';
import { readMessages, type Message } from '../../mcp/message.ts';
import { nameMessage } from '../../mcp/naming.ts';
import {
  CLAIMS_KEY,
  END_SESSION,
  INVALID_REQUEST,
  RESPONSE,
  REVISION_WITH_BATCHES,
  STREAM,
} from '../../mcp/protocol.ts';
import { asClaims, parseClaims, parseTraceId } from '../http/context.ts';
import { readQuery } from '../http/form.ts';
import { createHeaderWriter, plainIp, type Arrival } from '../http/http-call.ts';
import { splitTarget } from '../http/path.ts';
import { assertRoutingHeaders } from './routing-headers.ts';

/** A call, and what its answer depends on. */
export type McpCall = { readonly call: Call; readonly answered: AnsweredMessage };

/**
 * Describes the calls at the MCP endpoint of a system: one for each message of a POST, else one for the stream or the
 * session. Policy sees the name of a tool and its arguments; the server gets the client's bytes.
 *
 * The returned function throws MessageError, and Problem `bad-body` or `bad-context`.
 */
export function createMcpDescriber(system: System): (arrival: Arrival) => readonly McpCall[] {
  const writeHeaders = createHeaderWriter(createHeaderRoles(system));

  function callOf(arrival: Arrival, message: Message | null, isPart: boolean): Call {
    const { principal, method, target, headers } = arrival;
    const { path, query } = splitTarget(target);
    const segments = path.split('/').filter((segment) => segment !== '');
    const rpcMethod = message === null ? transportMethod(arrival) : message.method || RESPONSE;
    const { operation, resource } = nameMessage(rpcMethod, message?.subject ?? null);
    const members = { operation, method, path, segments, protocol: 'mcp' };
    const action: ActionText = actionText(system.name, members, resource);
    const claims = claimsOf(arrival, message);
    const body = isPart ? Buffer.from(message!.text) : arrival.body;
    return {
      id: isPart ? createId('call') : arrival.id,
      receivedAt: arrival.at,
      principal,
      system: system.name,
      operation,
      method,
      target,
      path: path === '' ? '/' : path,
      headers: uncompressed(arrival.rawHeaders),
      body,
      resource,
      claims,
      idempotencyKey: null,
      traceId: traceIdOf(arrival, message),
      mcp: { method: rpcMethod, era: message?.era ?? 'legacy' },
      input: createMcpInput(
        principalText(principal),
        action,
        readQuery(query, system.formFields)[0],
        writeHeaders(headers),
        body.length,
        {
          method: rpcMethod,
          era: message?.era ?? 'legacy',
          ...(message?.method === 'tools/call' && { tool: message.subject! }),
          args: message?.args ?? null,
        },
        { at: arrival.at, ip: plainIp(arrival.ip), claims },
      ),
      otherReadings: [],
    };
  }

  return (arrival) => {
    if (arrival.method !== 'POST') {
      const call = callOf(arrival, null, false);
      return [{ call, answered: { id: null, method: transportMethod(arrival), era: 'legacy' } }];
    }
    const { all, isBatch } = readMessages(arrival.decoded);
    if (isBatch) assertBatchable(arrival, all);
    for (const message of all) if (message.kind !== 'response') assertRoutingHeaders(message, arrival.headers);
    return all.map((message) => ({ call: callOf(arrival, message, isBatch), answered: answeredOf(message) }));
  };
}

function transportMethod({ method }: Arrival): string {
  return method === 'GET' ? STREAM : END_SESSION;
}

function answeredOf(message: Message): AnsweredMessage {
  const { kind, id, method, era } = message;
  const progressToken = metaOf(message)?.['progressToken'];
  return {
    id: kind === 'request' ? id : null,
    method,
    era,
    ...(progressToken !== undefined && { progressToken: JSON.stringify(progressToken) }),
  };
}

/** @throws MessageError -32600 where the revision knows no batches */
function assertBatchable({ headers }: Arrival, all: readonly Message[]): void {
  const revision = headers['mcp-protocol-version'] ?? REVISION_WITH_BATCHES;
  if (revision === REVISION_WITH_BATCHES && all.every(({ era }) => era === 'legacy')) return;
  throw new MessageError(INVALID_REQUEST, 'This revision of MCP has no batches. Send one message at a time.');
}

function claimsOf({ headers }: Arrival, message: Message | null): Claims {
  const context = metaOf(message)?.[CLAIMS_KEY];
  if (typeof context === 'object' && context !== null && !Array.isArray(context))
    return asClaims(context as Record<string, unknown>, `_meta["${CLAIMS_KEY}"]`);
  const header = headers['agent-context'];
  return typeof header === 'string' ? parseClaims(header) : NO_CLAIMS;
}

function traceIdOf({ headers }: Arrival, message: Message | null): string | null {
  const inMeta = metaOf(message)?.['traceparent'];
  return parseTraceId(typeof inMeta === 'string' ? inMeta : (headers.traceparent as string | undefined));
}

function metaOf(message: Message | null): Record<string, unknown> | null {
  return message?.meta ? (JSON.parse(message.meta) as Record<string, unknown>) : null;
}

/** The gateway reads the messages of the server, so it does not ask for compressed ones. */
function uncompressed(headers: readonly string[]): readonly string[] {
  return headers.filter((_, i) => headers[i - (i % 2)]!.toLowerCase() !== 'accept-encoding');
}
