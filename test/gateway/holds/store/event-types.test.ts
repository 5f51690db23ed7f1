import { expect, test } from 'vitest';
import { EVENT_TYPES, type EventType } from '../../../../gateway/domain/event.ts';
import type { HoldCommand } from '../../../../gateway/domain/hold-command.ts';
import { DEFAULT_PREFERENCES } from '../../../../gateway/domain/preferences.ts';
import { problemsOf } from '../../../helpers/event-check.ts';
import { draft, handoffDraft, KEY, reviewer } from '../../../helpers/hold.ts';
import { engines } from './engines.ts';
import { approve, executed, failed, indeterminate, must, reject, release, useStores } from './stores.ts';

const MINUTE = 60_000;
const by = reviewer('ben');
const person = { by, channel: 'api', revision: 1 } as const;
const taker = { by: { agent: 'other-bot' }, channel: 'agent', revision: 1 } as const;
const operator = { by: 'dora@example.com', as: 'operator', channel: 'api', reason: 'enough' } as const;
const judgement = { rules: draft(1).rules, reason: 'again', terms: draft(1).terms, cost: null, policyRevision: 'p2' };
const drift = { rules: ['rules.payments/other-amount'], reason: 'another amount', policyRevision: 'p1' };

const SESSION = { reviewer: by.id, tokenHash: 'a'.repeat(64), userAgent: '', address: '127.0.0.1' };

/** Where else each type that no store writes is held against the list. */
const ELSEWHERE: Partial<Record<EventType, string>> = {
  'call.decided': 'test/gateway/record',
  'call.completed': 'test/gateway/record',
  'call.refused': 'test/gateway/record',
  'policy.activated': 'written by control',
  'policy.refused': 'written by control',
  'config.changed': 'written by control',
  'config.refused': 'written by control',
  'journal.damaged': 'written by the journal',
  'journal.shed': 'written by the journal',
};

const stores = useStores(engines[0]!);

test('every step that a store can record is as the list of events says, and none is missing', async () => {
  const store = await stores.open({ reviewers: [by, reviewer('eve')] });
  // Each lower than the last: a grant covers no larger amounts.
  let amount = 1000;
  const held = async (...commands: HoldCommand[]) => {
    const { hold } = await store.holds.open(draft(--amount, { handle: true }));
    for (const command of commands) await must(store.holds.apply(hold.id, command));
    return hold;
  };
  const asked = async (command: HoldCommand, changes: Parameters<typeof handoffDraft>[1] = {}) => {
    const { hold } = await store.holds.openHandoff(handoffDraft(`task ${--amount}`, changes));
    await must(store.holds.apply(hold.id, command));
  };
  const later = async (ms: number, id: string, command: HoldCommand) => {
    stores.now += ms;
    await must(store.holds.apply(id, command));
  };

  await held({ type: 'claim', ...person }, { type: 'unclaim', ...person }, { type: 'note', text: 'hm', ...person });
  await store.holds.open(draft(amount));
  await held(approve(), release, {
    ...executed,
    cost: { amount: 1, unit: 'EUR' },
    drift,
    notes: ['credential-masked'],
  });
  await held(approve(), release, failed);
  await held(approve(), release, indeterminate, {
    type: 'outcome',
    result: 'executed',
    reference: null,
    note: 'seen',
    ...person,
  });
  await held(approve(), { type: 'reopen', ...judgement });
  await held({ type: 'supersede', reason: 'blocked now', policyRevision: 'p2' });
  await held(reject);
  await held({ type: 'escalate', to: ['finance-leads'], note: null, ...person });
  await held({ type: 'cancel', ...operator });
  await held(
    { type: 'take-over', note: null, ...person },
    { type: 'outcome', result: 'executed', reference: 're_1', note: null, ...person },
  );
  const edited = await held();
  const call = (await store.contents.call(edited.id))!;
  const { digest, envelope } = edited;
  const edit = { type: 'edit', call, digest, envelope, judgement, note: null, seenAt: null, ...person } as const;
  await must(store.holds.apply(edited.id, { ...edit, changed: ['/amount'] }));

  await asked({ type: 'answer', answer: { option: 'refund', data: null }, note: null, ...person });
  const to = { kind: 'relay', to: { agent: 'other-bot' } } as const;
  await asked({ type: 'accept', note: null, ...taker }, to);
  await asked({ type: 'return', code: 'other', note: null, ...taker }, to);

  const terms = { uses: 3, until: stores.now + 60 * MINUTE, open: ['/amount'] };
  await held(approve('ben', { grant: terms }));
  await held();
  const [grant] = (await store.grants.list({ active: true, limit: 10 })).items;
  await store.grants.revoke(grant!.id, by, 'api');
  const delegation = await store.delegations.add(
    { from: by.id, to: 'eve@example.com', since: stores.now, until: stores.now + MINUTE },
    'api',
  );
  await store.delegations.end('id' in delegation ? delegation.id : '', by.id, 'api');
  await store.preferences.set(by.id, DEFAULT_PREFERENCES, 'console');

  const session = await store.sessions.open({ ...SESSION, link: null });
  await store.sessions.end(session!.session.id, by.id, 'console');

  const reminded = await held();
  await later(reminded.terms.respondWithin, reminded.id, { type: 'remind' });
  const expired = await held();
  await later(expired.terms.expiresIn, expired.id, { type: 'expire' });
  const lapsed = await held(approve());
  await later(25 * 60 * MINUTE, lapsed.id, { type: 'lapse' });
  await store.suspensions.suspend({ kind: 'agent', name: 'billing-bot', by: by.id, channel: 'api', reason: 'why' });
  await store.suspensions.resume('agent', 'billing-bot', by.id, 'api');
  await store.suspensions.stop(by.id, 'api', 'why');
  for (const { id } of [by, reviewer('eve')]) await store.suspensions.lift(id, 'api', 2);

  const telling = await stores.open({
    compose: ({ kind }) => [{ kind, holdId: null, channel: 'webhook/ops', to: 'ops', payload: '{}' }],
    key: KEY,
  });
  await telling.holds.open(draft(--amount));
  const [notice] = await telling.notifications.take(stores.now, stores.now + MINUTE, 1);
  await telling.notifications.settle(notice!.id, { state: 'dead', error: 'HTTP 410' });

  const events = (await store.outbox.read(0, 10_000)).map(({ event }) => event);
  expect(events.flatMap(problemsOf)).toEqual([]);
  const seen = new Set<string>(events.map(({ type }) => type));
  expect(Object.keys(EVENT_TYPES).filter((type) => !seen.has(type) && !(type in ELSEWHERE))).toEqual([]);
});
