import type { Principal } from './principal.ts';

/** What the agent says about its own call (`Agent-Context`). Never trusted: policy sees it as claims, people see it as such. */
export type Claims = {
  readonly task?: string;
  readonly client?: string;
  readonly summary?: string;
  readonly session?: string;
  readonly confidence?: number;
  readonly flags?: readonly string[];
  readonly reversible?: boolean;
  readonly 'recommended-action'?: string;
  readonly [claim: string]: unknown;
};

export const NO_CLAIMS: Claims = Object.freeze({});

/** One call, described: everything that is judged and everything that would be sent. */
export type Call = {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  readonly principal: Principal;
  readonly system: string;
  /** Stable name of what is done: an operationId, or `METHOD /templated/path`. */
  readonly operation: string;
  readonly method: string;
  /** Path and query below the system, byte for byte as received; starts with `/`. */
  readonly target: string;
  /** `target` without its query. */
  readonly path: string;
  /** Names and values alternating, as received (the layout of `IncomingMessage.rawHeaders`). */
  readonly headers: readonly string[];
  /** The exact bytes that are judged and sent. Empty when the call has no body, or is in the store: see `unload`. */
  body: Buffer;
  readonly resource: { readonly type: string; readonly id: string | null };
  readonly claims: Claims;
  readonly idempotencyKey: string | null;
  /** From `traceparent` (W3C Trace Context), lowercase hex, or null. */
  readonly traceId: string | null;
  /** The policy input as JSON text; a JSON body stands in it exactly as it was sent. */
  input: string;
};

/** Methods that RFC 9110 section 9.2.1 calls safe; for any other the decision is durable before a byte goes upstream. */
export function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS' || method === 'TRACE';
}

const EMPTY = Buffer.alloc(0);

/**
 * Lets go of what weighs in a call whose bytes are in the store: those who wait for people may be thousands, for long.
 * Nothing may be judged or sent from `call` afterwards.
 */
export function unload(call: Call): void {
  call.body = EMPTY;
  call.input = '';
}
