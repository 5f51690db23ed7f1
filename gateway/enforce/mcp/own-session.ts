import { headerValue, withoutHeaders } from '../../domain/headers.ts';
import { Problem } from '../../domain/problem.ts';
import type { UpstreamSink } from '../../domain/upstream-sink.ts';
import { finalResponse } from '../../mcp/final-response.ts';
import { REVISION_HEADER, REVISION_WITH_TASKS } from '../../mcp/protocol.ts';
import { SESSION_HEADER } from '../../mcp/session.ts';
import { DISCARDED_ANSWER } from '../discarded-answer.ts';
import type { Forwarder, Prepared } from '../forwarder.ts';
import { PassingAnswer } from '../passing-answer.ts';

/** The statuses with which servers refuse a session that they do not know. */
const LOST: ReadonlySet<number> = new Set([400, 404]);
/** The most bytes of an answer to `initialize` that are read. */
const LARGEST = 2 ** 20;

/**
 * Sends a held call of a revision with sessions. While people decided, its session may have ended; the server says so
 * with 404, or with 400 as many do, and has not executed the call (2025-11-25, Transports, "Session Management"). Then the
 * gateway opens a session of its own for this call, and ends it afterwards.
 */
export function createSendInSession(send: Forwarder['send']): Forwarder['send'] {
  /** The headers that requests in a new session have; null if the server opens none. */
  async function open(system: string, request: Prepared): Promise<string[] | null> {
    const revision = headerValue(request.headers, REVISION_HEADER) ?? REVISION_WITH_TASKS;
    const clientInfo = { name: 'holdpoint', version: '1' };
    const params = { protocolVersion: revision, capabilities: {}, clientInfo };
    const answer = new Collected();
    const asked = { jsonrpc: '2.0', id: 0, method: 'initialize', params };
    await send(system, withMessage(request, without(request.headers, SESSION_HEADER, REVISION_HEADER), asked), answer);
    const result = finalResponse(answer)?.result;
    if (result == null) return null;
    const { protocolVersion } = JSON.parse(result) as { readonly protocolVersion?: unknown };
    const session = headerValue(answer.headers, SESSION_HEADER);
    const headers = without(request.headers, SESSION_HEADER, REVISION_HEADER);
    headers.push(REVISION_HEADER, typeof protocolVersion === 'string' ? protocolVersion : revision);
    if (session !== null) headers.push(SESSION_HEADER, session);
    const told = { jsonrpc: '2.0', method: 'notifications/initialized' };
    await send(system, withMessage(request, [...headers], told), DISCARDED_ANSWER);
    return headers;
  }

  return async (system, request, answer) => {
    if (headerValue(request.headers, SESSION_HEADER) === null) return send(system, request, answer);
    const first = new UnlessLost(answer);
    const delivery = await send(system, request, first);
    if (!first.isLost) return delivery;
    const headers = await open(system, request);
    if (headers === null) {
      const detail = 'The session of the call has ended, and its server opens no other. The call was not executed.';
      return {
        ...delivery,
        status: 0,
        bytes: 0,
        sent: false,
        problem: new Problem('upstream-unreachable', { detail }),
      };
    }
    const second = await send(system, { ...request, headers: [...headers] }, answer);
    if (headerValue(headers, SESSION_HEADER) !== null) {
      const left = without(headers, 'content-type', 'idempotency-key');
      void send(system, { ...request, method: 'DELETE', headers: left, body: Buffer.alloc(0) }, DISCARDED_ANSWER);
    }
    return second;
  };
}

function withMessage(request: Prepared, headers: string[], message: object): Prepared {
  return { ...request, headers: without(headers, 'idempotency-key'), body: Buffer.from(JSON.stringify(message)) };
}

function without(headers: readonly string[], ...names: readonly string[]): string[] {
  return withoutHeaders(headers, (name) => names.includes(name));
}

/** Passes an answer on, unless it says that the session has ended. */
class UnlessLost extends PassingAnswer {
  isLost = false;

  override head(status: number, headers: string[]): void {
    this.isLost = LOST.has(status);
    if (!this.isLost) super.head(status, headers);
  }

  override data(chunk: Buffer): boolean {
    return this.isLost || super.data(chunk);
  }

  override end(trailers: string[]): void {
    if (!this.isLost) super.end(trailers);
  }

  override broken(): void {
    if (!this.isLost) super.broken();
  }
}

/** An answer that the gateway reads itself. */
class Collected implements UpstreamSink {
  status = 0;
  headers: string[] = [];
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #abort: () => void = () => {};

  get body(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  head(status: number, headers: string[]): void {
    this.status = status;
    this.headers = headers;
  }

  data(chunk: Buffer): boolean {
    this.#bytes += chunk.length;
    if (this.#bytes > LARGEST) this.#abort();
    else this.#chunks.push(chunk);
    return true;
  }

  end(): void {}

  broken(): void {
    this.status = 0;
  }

  onDrain(): void {}

  onGone(abort: () => void): void {
    this.#abort = abort;
  }
}
