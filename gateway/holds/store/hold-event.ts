import type { Hold } from '../../domain/hold.ts';
import { maskPath, maskText } from '../../secrets/secret.ts';
import type { Step } from '../changes.ts';
import type { Happening } from './recording.ts';

/**
 * The ledger's row for one step in a hold's life: the step, and whose hold it is. Like those of calls it says nothing that
 * looks like a secret, not even in the words of people.
 */
export function holdEvent(hold: Hold, step: Step, traceId: string | null): Happening {
  const { session, task, confidence, flags } = hold.claims;
  const { operation, path, resource } = hold.onRecord ?? { ...hold, resource: '' };
  return {
    decision_id: hold.decisionId,
    ...(hold.callId !== '' && { call_id: hold.callId }),
    hold_id: hold.id,
    agent: hold.principal.agent,
    owner: hold.principal.owner,
    on_behalf_of: hold.principal.onBehalfOf,
    ...(session !== null && { session: maskText(session) }),
    ...(task !== null && { task: maskText(task) }),
    system: hold.system,
    operation: maskText(operation),
    method: hold.method,
    path: maskPath(path),
    resource: maskText(resource),
    verdict: 'hold',
    rules: hold.rules.map((rule) => rule.id),
    trigger: hold.trigger,
    policy_revision: hold.policyRevision,
    ...(confidence !== null && { confidence }),
    ...(flags.length > 0 && { flags: flags.map(maskText) }),
    ...(traceId !== null && { trace_id: traceId }),
    ...step,
    reason: maskText(step.reason ?? hold.reason),
    ...(step.changes && { changes: step.changes.map(maskText) }),
  };
}
