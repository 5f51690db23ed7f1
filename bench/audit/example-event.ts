import { EVENT_VERSION, type Event } from '../../gateway/domain/event.ts';

/** The decision on an ordinary call, put together as the recorder does it. */
export function exampleEvent(n: number): Event {
  return {
    event_id: `evt_019a8f3c5e7a7d4e9b1c${String(n).padStart(12, '0')}d`,
    at: 1_790_000_000_000 + n,
    version: EVENT_VERSION,
    node: 'gateway-1',
    type: 'call.decided',
    layer: 'decide',
    decision_id: `dec_019a8f3c5e7a7d4e9b1c${String(n).padStart(12, '0')}`,
    call_id: `call_019a8f3c5e7a7d4e9b1c${String(n).padStart(12, '0')}`,
    agent: 'billing-bot',
    owner: 'ana@example.com',
    system: 'payments',
    operation: 'PostRefunds',
    method: 'POST',
    path: '/v1/refunds',
    resource: 'refund',
    verdict: 'allow',
    rules: ['rules.payments/small-refund'],
    trigger: 'rule',
    reason: 'refunds up to 50 need no approval',
    policy_revision: 'sha256:5f1c0d2a7b3e4f60',
    actor: 'policy',
    actor_kind: 'gateway',
    channel: 'agent',
    decide_us: 12,
    request_bytes: 42,
  };
}
