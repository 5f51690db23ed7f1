import type { Duplex } from 'node:stream';
import type { Verdict } from './decision.ts';
import type { Completion } from './completion.ts';
import type { HeldResponse, Hold } from './hold.ts';
import type { Problem } from './problem.ts';
import type { RefusalShape } from './refusal-shape.ts';
import type { TaskEnd } from './task-store.ts';
import type { AnswerNote, UpstreamSink } from './upstream-sink.ts';

/**
 * Answers one call, over whichever protocol it came. Nothing else writes to a caller. Each call is answered once, by
 * `answer`, `stored`, `problem` or `accepted`.
 */
export type Reply = {
  readonly via: Via;
  readonly preference: Preference;
  /** Set for a WebSocket handshake (RFC 6455). It is judged as one call and, if allowed, handed to the tunnel. */
  readonly tunnel: Tunnel | null;
  /** Whether the caller left before it had the whole answer. */
  readonly gone: boolean;
  /** Whether the answer was kept back, as the caller could not take it: it is told to make the same call again. */
  readonly keptBack: boolean;
  /** Why the caller lost its permission while the call was running; null if it did not. Nothing may be sent then. */
  whyCutOff(): Problem | null;
  /** Calls `closed` once, when the caller has the answer or has left. */
  onClose(closed: () => void): void;
  /** The caller begins to wait for people. Returns whether it listens to a stream meanwhile, and so can wait for long. */
  waits(decisionId: string): boolean;
  /** The caller does not want its answer any more: ends without one. */
  hangUp(): void;
  /** Streams the upstream's answer. @param holdId of a held call */
  answer(decisionId: string, verdict: Verdict, holdId?: string): StreamedAnswer;
  /** Sends a stored answer of the upstream. It must be whole. */
  stored(decisionId: string, response: HeldResponse): void;
  /** Refuses the call, or says that it is still held. If an answer has begun, it is aborted instead. */
  problem(decisionId: string, verdict: Verdict, problem: Problem): void;
  /** Gives the caller a handle to follow its hold. @param retryAfter seconds */
  accepted(decisionId: string, hold: HandleState, retryAfter: number): void;
  /** Tells a client of MCP how its task stands. @param retryAfter seconds */
  task(decisionId: string, task: HandleState, ended: HeldEnd | TaskEnd, retryAfter: number): void;
  /** Where the caller reads the state of its hold. */
  locationOf(holdId: string): string;
};

/** What a handle says of its hold. */
export type HandleState = Pick<Hold, 'id' | 'status' | 'execution' | 'createdAt' | 'expiresAt' | 'decidedAt'>;

/** How a held call ended: with the system's answer, or with a problem; null if it has not ended. */
export type HeldEnd = HeldResponse | Problem | null;

/** A call that runs as a task because its client asked for one (2025-11-25). */
export type RunningTask = {
  readonly id: string;
  readonly createdAt: number;
  /** The client has the id from now on. */
  begin(): void;
  /** The call has ended. The result is kept for the client. */
  settle(end: TaskEnd): void;
};

/** How the caller reached the gateway: `host` is host and port as it says them, `own` the system with that address. */
export type Via = { readonly host: string; readonly own: string | undefined };

/** An answer while it streams. `gone`: the caller hung up before it had the whole answer. */
export type StreamedAnswer = UpstreamSink & { readonly gone: boolean; readonly notes: readonly AnswerNote[] };

/** The reply of a whole exchange, with access to its connection. */
export type ConnectionReply = Reply & {
  /** From now on, refusals are messages of MCP. The id of the request is read from its body, if it has been refused before. */
  speakMcp(): void;
  /** The reply for the one message of the exchange. */
  forMessage(message: AnsweredMessage): Reply;
  /** The replies for the messages of a batch, which share one response. */
  forBatch(messages: readonly AnsweredMessage[]): readonly Reply[];
  /** Refusals from now on have the shape that the SDK of the called system reads. */
  refuseIn(shape: RefusalShape): void;
  /** Lets pages of other origins read the answer. */
  shareWith(sharing: Sharing): void;
  /** The agent sends no token in a header, so it would follow a `Location` without one: such URLs get a pass from now on. */
  needsPass(agent: string): void;
  /** Asks the caller for the body that it announced: 100 Continue (RFC 9110 section 10.1.1). */
  sendContinue(): void;
  /** Whether the answer is a stream on which the caller only listens. */
  readonly listens: boolean;
  /** Ends the answer if it is a stream on which the caller only listens. */
  endListening(): void;
  /** Ends the answer in the middle and closes the connection, so that the caller cannot take the part for the whole. */
  abort(): void;
  /**
   * The caller lost its permission: aborts a body or an answer that is on its way. A call that waits in the gateway is
   * refused by its next stage.
   */
  cut(why: Problem): void;
};

/** Which page of another origin may read an answer: its origin, `*` for all, or null for none. */
export type Sharing = { readonly origin: string | null };
/** What the reply to a message of MCP depends on. `id` is JSON text; null for messages that get no response. */
export type AnsweredMessage = {
  readonly id: string | null;
  readonly method: string;
  readonly era: 'legacy' | 'modern';
  /** The token with which the caller wants to be told of progress, as JSON text. */
  readonly progressToken?: string;
  /** Whether the caller takes a task instead of the result. */
  readonly takesTasks?: boolean;
  /** The task that stands for the call, unless it is held: then its hold does. */
  readonly runsAs?: RunningTask;
  /** Gives the state with which the caller may ask again and wait on (2026-07-28); absent if it may not. */
  readonly nextRound?: () => string;
};

/**
 * How the caller prefers to wait. `async`: it wants a handle. `wait`: milliseconds; null if the caller does not say.
 */
export type Preference = { readonly async: boolean; readonly wait: number | null };

/** An allowed WebSocket handshake: its agent and system, and the upstream, target and headers to send it with. */
export type Handshake = {
  readonly agent: string;
  readonly system: string;
  readonly upstream: URL;
  /** Opens a connection to the upstream; `opened` gets it when it is ready. */
  readonly connect: (opened: (connection: Duplex) => void) => Duplex;
  readonly target: string;
  readonly headers: readonly string[];
};

/** Hands an allowed handshake to the tunnel. Resolves when the tunnel is closed. */
export type Tunnel = (handshake: Handshake) => Promise<Completion>;
