import type { Verdict } from './decision.ts';
import type { Completion } from './completion.ts';
import type { HeldResponse, Hold } from './hold.ts';
import type { Problem } from './problem.ts';
import type { UpstreamSink } from './upstream-sink.ts';

/**
 * The way to answer one call, whatever protocol it came by. Nothing else writes to a caller. Each call is answered once,
 * by one of the last four.
 */
export type Reply = {
  /** What the caller prefers to waiting. */
  readonly preference: Preference;
  /** Set for a WebSocket handshake (RFC 6455): it is judged as one call and, where allowed, handed to the tunnel. */
  readonly tunnel: Tunnel | null;
  /** The caller left before it had the whole answer. */
  readonly gone: boolean;
  /** Calls back once, when the caller has the answer or has left. */
  onClose(closed: () => void): void;
  /** The system's answer, streamed as it comes. */
  answer(decisionId: string, verdict: Verdict): StreamedAnswer;
  /** The system's answer, as it was stored. It must have been stored whole. */
  stored(decisionId: string, response: HeldResponse): void;
  /** A refusal, or a call that is still held. Too late for one, it breaks off what was begun. */
  problem(decisionId: string, verdict: Verdict, problem: Problem): void;
  /** A handle by which the caller can follow its hold. @param retryAfter seconds */
  accepted(decisionId: string, hold: Pick<Hold, 'id' | 'status'>, retryAfter: number): void;
};

/** A streamed answer on its way; `gone`: the caller hung up before it had all of it. */
export type StreamedAnswer = UpstreamSink & { readonly gone: boolean };

/** The reply of a whole exchange, which knows its connection. */
export type ConnectionReply = Reply & {
  /** Asks the client for the body that it announced: 100 Continue (RFC 9110 section 10.1.1). */
  sendContinue(): void;
  /** Ends the answer in the middle, and the connection with it, so that what came of it is not taken for the whole. */
  breakOff(): void;
};

/** What a caller prefers to waiting; `wait` is in milliseconds, null when it does not say. */
export type Preference = { readonly async: boolean; readonly wait: number | null };

/** What a tunnel needs to reach the system: the handshake's target and its headers, and whose it is. */
export type Handshake = {
  readonly agent: string;
  readonly system: string;
  readonly target: string;
  readonly headers: readonly string[];
};

/** Hands an allowed handshake to the tunnel; resolves when the tunnel is closed. */
export type Tunnel = (handshake: Handshake) => Promise<Completion>;
