import type { Logger } from 'pino';
import type { Clock } from '../../domain/clock.ts';
import { EVENT_TYPES, type Event } from '../../domain/event.ts';
import { createId } from '../../domain/id.ts';
import type { Journal } from '../../domain/journal.ts';

/** Events of the gateway itself. */
type GatewayStep = 'policy.activated' | 'policy.refused' | 'config.changed' | 'config.refused' | 'journal.damaged';

/**
 * Records an event of the gateway itself. Never throws: a stricter policy must come into force on a full journal too.
 */
export type RecordStep = (
  type: GatewayStep,
  fields: Pick<
    Event,
    'policy_revision' | 'rules' | 'rule_verdicts' | 'rule_places' | 'reason' | 'failure' | 'channel' | 'changes'
  >,
) => void;

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
