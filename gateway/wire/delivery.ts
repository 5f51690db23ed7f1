import type { Problem } from '../domain/problem.ts';

/** A head and body of at most this many bytes go out as one string: copying costs less than a vectored write. */
export const ONE_WRITE = 16 * 1024;

/** One request to an upstream: everything on the wire but Host and Content-Length. */
export type Outgoing = {
  readonly method: string;
  readonly target: string;
  readonly headers: string[];
  readonly body: Buffer;
  /** Longest time for its answer to begin or continue, in milliseconds, instead of the upstream's own. */
  readonly timeout?: number | undefined;
  /**
   * Whether the answer may be a stream of server-sent events that is silent for any time. Once it is one, it takes no
   * place among the upstream's connections. `only`: nothing else is asked for, so that its head may be late, too.
   */
  readonly events?: 'only' | 'possible' | undefined;
};

/** How sending ended. */
export type Delivery = {
  /** The upstream's status; 0 when there was none. */
  readonly status: number;
  readonly bytes: number;
  /** Milliseconds from sending to the response head, or to the failure. */
  readonly upstreamMs: number;
  /** False only when provably no byte of the request was written. */
  readonly sent: boolean;
  /** Null when the whole answer arrived. */
  readonly problem: Problem | null;
};
