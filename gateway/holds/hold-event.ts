import { createId } from '../domain/id.ts';
import type { Event } from '../domain/event.ts';
import type { Hold } from '../domain/hold.ts';
import type { Step } from './changes.ts';

/** The ledger's row for one step in a hold's life: the step, and whose hold it is. */
export function holdEvent(
  hold: Hold,
  step: Step,
  source: { readonly at: number; readonly node: string; readonly traceId: string | null },
): Event {
  return {
    event_id: createId('evt'),
    at: source.at,
    node: source.node,
    decision_id: hold.decisionId,
    call_id: hold.callId,
    hold_id: hold.id,
    agent: hold.principal.agent,
    owner: hold.principal.owner,
    on_behalf_of: hold.principal.onBehalfOf,
    system: hold.system,
    operation: hold.operation,
    method: hold.method,
    path: hold.path,
    verdict: 'hold',
    rules: hold.rules.map((rule) => rule.id),
    trigger: 'rule',
    reason: hold.reason,
    policy_revision: hold.policyRevision,
    ...(source.traceId === null ? {} : { trace_id: source.traceId }),
    ...step,
  };
}
