import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Measurement } from './metering.ts';
import type { Principal } from './principal.ts';
import type { System } from './system.ts';

/** A request that came in and the response it waits for. */
export type Exchange = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The system whose own address the request came in by; null on the shared address. */
  readonly own: System | null;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  /** Set for a WebSocket handshake (RFC 6455): it is judged as one call and, where allowed, handed to the tunnel. */
  readonly tunnel: ((request: Handshake) => Promise<Completion>) | null;
};

/** Who calls, and what: as far as the head of the request tells. */
export type Caller = {
  readonly principal: Principal;
  readonly system: System;
  /** Path and query below the system, byte for byte. */
  readonly target: string;
};

/** What a tunnel needs to reach the system: the handshake's target and the headers that go with it; and whose it is. */
export type Handshake = {
  readonly agent: string;
  readonly system: string;
  readonly target: string;
  readonly headers: readonly string[];
};

/** How an exchange ended. Of a held call, cost and drift are recorded with its release instead. */
export type Completion = {
  /** What the agent was answered; 0 when it had left. */
  readonly status: number;
  /** A problem's code, when the answer was a problem. */
  readonly code: string | null;
  readonly cause: unknown;
  readonly responseBytes: number;
  /** Milliseconds until the system's response head; null when nothing was sent to it by this exchange. */
  readonly upstreamMs: number | null;
  readonly holdId: string | null;
  /** Milliseconds that the caller waited for people; null when the call was not held. */
  readonly heldMs: number | null;
} & Measurement;
