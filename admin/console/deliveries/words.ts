import type { Delivery } from '../server/shapes.ts';
import type { DeliveryState } from './delivery-filter.ts';

/** What a notification tells, in a few words. */
const KINDS: Readonly<Record<string, string>> = {
  opened: 'A call waits',
  reminder: 'Reminder',
  escalated: 'Escalation',
  edited: 'A call was edited',
  reopened: 'A call waits again',
  expired: 'A hold expired',
  indeterminate: 'Outcome unknown',
  alert: 'Alert: a call was blocked',
  decided: 'Decided',
  withdrawn: 'Withdrawn',
  confirmed: 'Outcome confirmed',
  digest: 'Digest',
};

export const kindWords = (kind: string): string => KINDS[kind] ?? kind;

export const STATE_WORDS: Readonly<Record<DeliveryState, string>> = {
  waiting: 'waiting',
  gathered: 'waits for a digest',
  sent: 'sent',
  dropped: 'not needed any more',
  dead: 'not delivered',
};

/** A message that was tried in vain and is tried again needs a look. */
export function stateTag({ state, error }: Delivery): string {
  if (state === 'dead') return 'danger';
  if (state === 'sent') return 'good';
  return state === 'waiting' && error !== null ? 'warn' : '';
}
