import type { CallInput } from './call-input.ts';
import type { Principal } from './principal.ts';

/** What the agent says about its own call (`Agent-Context`). Never trusted: policy and reviewers see it as claims. */
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

/** One call: everything that policy judges and everything that would be sent. */
export type Call = {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  readonly principal: Principal;
  readonly system: string;
  /** Stable name of the operation: an OpenAPI operationId, or `METHOD /templated/path`. */
  readonly operation: string;
  readonly method: string;
  /**
   * Path and query below the system, byte for byte as received. The path may be empty: the call is then for the path of
   * the upstream itself.
   */
  readonly target: string;
  /** The path of `target`; `/` where it is empty. */
  readonly path: string;
  /** Names and values alternating, as received (the layout of `IncomingMessage.rawHeaders`). */
  readonly headers: readonly string[];
  /** The exact bytes that are judged and sent. Empty if the call has no body, or after `unload`. */
  body: Buffer;
  readonly resource: { readonly type: string; readonly id: string | null };
  readonly claims: Claims;
  readonly idempotencyKey: string | null;
  /** From `traceparent` (W3C Trace Context), lowercase hex, or null. */
  readonly traceId: string | null;
  /** Set for a message of MCP. */
  readonly mcp?: {
    readonly method: string;
    readonly era: 'legacy' | 'modern';
    /** The id of its session, as the client has it. */
    readonly session?: string;
    /** The id of the request, as JSON text, if it subscribes to changes of the list of tools (2026-07-28). */
    readonly subscription?: string;
    /** The hold that the message asks for as a task: the gateway answers it, and no system. */
    readonly task?: string;
    /** How its client names the request among those of all clients; absent where there are no sessions. */
    readonly request?: string;
    /** The request, named so, that the client cancels with this notification. */
    readonly cancels?: string;
  };
  /** The policy input as JSON text, or its parts. It contains a JSON body byte for byte. */
  input: CallInput;
  /**
   * The inputs of the other ways in which systems may read the call. Policy judges each, and the strictest verdict counts.
   * Empty for nearly all calls.
   */
  otherReadings: readonly CallInput[];
};

/** Safe methods (RFC 9110 section 9.2.1). For any other, the decision is durable before a byte goes upstream. */
export function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS' || method === 'TRACE';
}

const EMPTY = Buffer.alloc(0);

/**
 * Frees the memory of a call that the store now has: thousands of callers may wait for hours. `call` must not be judged
 * or sent afterwards.
 */
export function unload(call: Call): void {
  call.body = EMPTY;
  call.input = '';
  call.otherReadings = [];
}

/** Whether the call waits at a hold: the store has it, and `call` is what is left. */
export function isUnloaded({ input }: Call): boolean {
  return input === '';
}
