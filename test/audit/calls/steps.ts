import { generateKeyPairSync, hash } from 'node:crypto';
import { callIdAt } from '../../../audit/calls/call-id.ts';
import { createSigner } from '../../../audit/ledger/ledger.ts';
import type { Event } from '../../../gateway/domain/event.ts';

export const signer = createSigner(generateKeyPairSync('ed25519').privateKey);

/** The id of the call `name` of that moment. Within one moment, calls sort by their names. */
export function callAt(at: number, name: string): string {
  const order = Buffer.from(name).toString('hex').slice(0, 8).padEnd(8, '0');
  return `${callIdAt(at)}${order}${hash('sha256', name, 'hex').slice(0, 12)}`;
}

/** The steps of one call that went through. */
export function allowed(at: number, name: string, more: Partial<Event> = {}): Event[] {
  const call_id = callAt(at, name);
  const common = {
    node: 'gw-1',
    call_id,
    decision_id: `dec_${name}`,
    agent: 'billing-bot',
    owner: 'ana@example.com',
    system: 'payments',
    operation: 'createRefund',
    method: 'POST',
    path: '/v1/refunds',
    resource: 'refunds',
    verdict: 'allow',
    rules: ['rules.payments/small-refund'],
    policy_revision: 'p1',
    channel: 'agent',
    ...more,
  } as const;
  return [
    {
      ...common,
      event_id: `evt_${name}d`,
      at,
      type: 'call.decided',
      layer: 'decide',
      trigger: 'rule',
      reason: more.reason ?? `Refund ${name} is small.`,
      input: '{"action":{"body":{"amount":1}}}',
    },
    {
      ...common,
      event_id: `evt_${name}z`,
      at: at + 20,
      type: 'call.completed',
      layer: 'execute',
      status: more.status ?? 200,
      took_ms: 20,
      upstream_ms: 12,
    },
  ];
}

/** One step of the hold that a call had. */
export function holdStep(at: number, name: string, type: Event['type'], more: Partial<Event> = {}): Event {
  return {
    event_id: `evt_${name}${type}`,
    at,
    node: 'gw-1',
    type,
    layer: 'decide',
    call_id: callAt(at, name),
    decision_id: `dec_${name}`,
    hold_id: `hold_${name}`,
    agent: 'billing-bot',
    owner: 'ana@example.com',
    ...more,
  };
}
