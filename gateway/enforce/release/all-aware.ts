import { setTimeout as sleep } from 'node:timers/promises';
import type { CallHold } from '../../domain/hold.ts';
import type { HoldCommand } from '../../domain/hold-command.ts';
import type { SenderStore } from '../../domain/sender.ts';

/** Milliseconds for which a release waits for senders to hear of its hold; the caller or the next poll tries again. */
const PATIENCE = 1_000;
const INTERVAL = 10;

type Reopen = Extract<HoldCommand, { type: 'reopen' }>;

/**
 * Whether every process that could have sent the same call has heard of the hold, and so has superseded it if it did.
 * `lost` are processes that ended before they heard of it: it is unknown whether they sent the call.
 */
export async function allAware(
  senders: Pick<SenderStore, 'unaware'>,
  hold: CallHold,
): Promise<'all' | 'not yet' | { readonly lost: readonly string[] }> {
  for (const until = performance.now() + PATIENCE; ; await sleep(INTERVAL, undefined, { ref: false })) {
    const { alive, lost } = await senders.unaware(hold);
    if (alive.length === 0) return lost.length === 0 ? 'all' : { lost };
    if (performance.now() > until) return 'not yet';
  }
}

/** Asks people again, who are told why it may be one call too many. Once they approve that, it is sent. */
export function askAgain(
  hold: CallHold,
  objection: Reopen | null,
  lost: readonly string[],
  policyRevision: string,
): Reopen {
  const { rules, terms, cost } = hold;
  const asked = objection ?? { type: 'reopen', rules, reason: hold.reason, terms, cost, policyRevision };
  const why = `${lost.join(', ')} ended before it heard of this hold, and may have sent the same call: check that first`;
  return { ...asked, reason: `${asked.reason.replace(/\.$/, '')}. ${why}.` };
}
