import type { Logger } from 'pino';
import type { Clock } from '../../domain/clock.ts';
import { EVENT_TYPES, type Event } from '../../domain/event.ts';
import { createId } from '../../domain/id.ts';
import type { Journal } from '../../domain/journal.ts';

/** What the gateway does by itself. */
type GatewayStep = 'policy.activated' | 'policy.refused' | 'journal.damaged';

/** Puts a step of the gateway itself on record. Never throws: a policy that blocks must come into force on a full journal. */
export type RecordStep = (type: GatewayStep, fields: Pick<Event, 'policy_revision' | 'reason' | 'failure'>) => void;

export function createRecordStep(journal: Journal, node: string, log: Logger, clock: Clock): RecordStep {
  return (type, fields) => {
    const event_id = createId('evt');
    const by = { actor: 'holdpoint', actor_kind: 'gateway' } as const;
    const { layer } = EVENT_TYPES[type];
    try {
      journal.append({ event_id, at: clock(), node, type, layer, ...by, ...fields });
    } catch (err) {
      log.error({ err, type, ...fields }, 'an event of the gateway could not be recorded');
    }
  };
}
