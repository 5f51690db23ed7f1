import type { Caller, DescribedCall, Exchange } from '../domain/exchange.ts';
import { createId } from '../domain/id.ts';
import { oncePerSystem } from '../domain/once-per-system.ts';
import { createHeaderRoles } from '../domain/header-roles.ts';
import type { RequestHead } from '../domain/message.ts';
import { Problem } from '../domain/problem.ts';
import type { System } from '../domain/system.ts';
import { readBody } from './http/body.ts';
import { decodeBody } from './http/content-coding.ts';
import { createFramingCheck } from './http/framing.ts';
import { createDescriber, type Arrival, type PolicyView } from './http/http-call.ts';
import { asGet, isGetByPost } from './http/long-query.ts';
import { createUploads } from './http/uploads.ts';
import { createMcpDescriber, type McpView } from './mcp/mcp-call.ts';
import { isMcpRequest } from '../mcp/endpoint.ts';

const UNREAD = Buffer.alloc(0);

/** What reads the calls for a system. A large OpenAPI document takes time to prepare. */
export function createDescribers(policy: PolicyView, mcp: McpView) {
  return oncePerSystem((system) => ({
    assertPlainFraming: createFramingCheck(createHeaderRoles(system), system),
    describe: createDescriber(system, policy),
    isUpload: createUploads(system),
    describeMcp: system.mcp === undefined ? null : createMcpDescriber(system, mcp),
  }));
}

/**
 * Turns a request into the calls that it carries; an HTTP request is one. The head is checked before the body is
 * requested, the body is read once, and ambiguous input is refused rather than guessed.
 *
 * @throws Problem with a 4xx status; nothing has been forwarded by then
 */
export function createDescribe(
  systems: readonly System[],
  describerOf: ReturnType<typeof createDescribers>,
): (exchange: Exchange, caller: Caller) => Promise<readonly DescribedCall[]> {
  const describers = new Map(systems.map((system) => [system.name, describerOf(system)]));

  return async ({ request, reply, receivedAt }, { principal, system, target }) => {
    const { assertPlainFraming, describe, describeMcp, isUpload } = describers.get(system.name)!;
    assertPlainFraming(request);
    if (isInvited(request, system.bodyLimit)) reply.sendContinue();
    const body = await readBody(request, system.bodyLimit);
    if (reply.tunnel) assertPlainHandshake(target, body);
    const coding = request.headers['content-encoding'];
    let decoded = body;
    if (isUpload?.(request.method ?? '', target)) decoded = UNREAD;
    else if (coding !== undefined && body.length > 0) decoded = await decodeBody(body, coding, system.bodyLimit);
    const arrival: Arrival = {
      id: createId('call'),
      at: receivedAt,
      principal,
      target,
      method: request.method ?? '',
      rawHeaders: request.rawHeaders,
      headers: request.headers,
      body,
      decoded,
      ip: request.socket.remoteAddress ?? '',
      protocol: reply.tunnel ? 'websocket' : 'http',
    };
    if (describeMcp && !reply.tunnel && isMcpRequest(system, arrival)) {
      const described = describeMcp(arrival);
      const { isBatch, all } = described instanceof Promise ? await described : described;
      const answered = all.map((each) => each.answered);
      const replies = isBatch ? reply.forBatch(answered) : answered.map((each) => reply.forMessage(each));
      return all.map(({ call }, i) => ({ call, reply: replies[i]! }));
    }
    return [{ call: describe(isGetByPost(request, system) ? asGet(arrival) : arrival), reply }];
  };
}

/** Refuses a handshake that the WebSocket client would send differently from how it was judged. */
function assertPlainHandshake(target: string, body: Buffer): void {
  if (body.length > 0) throw new Problem('bad-request', { detail: 'Send the WebSocket handshake without a body.' });
  const whole = target.startsWith('/') ? target : `/${target}`;
  const sent = URL.canParse(whole, 'http://a') ? new URL(whole, 'http://a') : null;
  if (!sent || sent.pathname + sent.search !== whole) {
    throw new Problem('bad-request', {
      detail: 'Percent-encode every character of the target that the URL standard encodes.',
    });
  }
}

/**
 * Whether the client waits for `100 Continue` before it sends the body it announced (RFC 9110 section 10.1.1). It gets
 * one only here, once it may call; never for a body that would be refused, and never on HTTP/1.0, which takes an
 * interim response for the final one.
 */
function isInvited({ headers, httpVersionMinor }: RequestHead, limit: number): boolean {
  return headers.expect !== undefined && httpVersionMinor === 1 && Number(headers['content-length'] ?? 0) <= limit;
}
