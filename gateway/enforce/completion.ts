import type { Completion } from '../domain/exchange.ts';

const NOTHING = {
  code: null,
  cause: null,
  responseBytes: 0,
  upstreamMs: null,
  holdId: null,
  heldMs: null,
  cost: null,
  drift: null,
};

/** How an exchange ended, with what is not said left at nothing. A status of 0 says that the agent had left. */
export function complete(status: number, rest: Partial<Completion> = {}): Completion {
  return { status, ...NOTHING, ...rest };
}
