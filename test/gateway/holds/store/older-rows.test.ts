import { describe, expect, test } from 'vitest';
import { assertCall, type Hold } from '../../../../gateway/domain/hold.ts';
import { draft, handoffDraft, reviewer } from '../../../helpers/hold.ts';
import { engines } from './engines.ts';
import { approve, must, release, useStores } from './stores.ts';

/** As holds were written while every hold had the members of a call, empty where there was none. */
const NO_CALL = {
  callId: '',
  system: '',
  operation: '',
  method: '',
  path: '',
  envelope: '',
  rules: [],
  trigger: 'rule',
  policyRevision: '',
  cost: null,
  redeemBy: null,
  grantId: null,
  attempt: null,
  resendAt: null,
  upstreamStatus: null,
};
const NO_HANDOFF = { to: null, artifacts: [] };

describe.each(engines)('a hold that an older program wrote in $name', (engine) => {
  const stores = useStores(engine);

  async function written(hold: Hold, older: object): Promise<void> {
    const document = JSON.stringify({ ...hold, digest: hold.askedDigest, ...older }).replaceAll("'", "''");
    await stores.place.raw(`update holds set document = '${document}' where id = '${hold.id}'`);
  }

  test('an older call is found, approved and released as a new one is', async () => {
    const store = await stores.open();
    const { hold } = await store.holds.open(draft(1));
    await written(hold, NO_HANDOFF);
    expect(await store.holds.find(hold.id)).toMatchObject(hold);
    expect((await store.holds.open(draft(1))).attached).toBe(true);
    await must(store.holds.apply(hold.id, approve()));
    const released = assertCall(await must(store.holds.apply(hold.id, release)));
    expect(released).toMatchObject({ kind: 'approval', execution: 'releasing', system: 'payments' });
    expect(await store.holds.releasing()).toMatchObject([{ id: hold.id, attempt: { id: release.attempt } }]);
  });

  test('an older question is found, listed and answered as a new one is', async () => {
    const store = await stores.open();
    const { hold } = await store.holds.openHandoff(handoffDraft('which invoice?', { to: { group: 'finance' } }));
    await written(hold, NO_CALL);
    expect((await store.holds.list({ kind: 'exception', limit: 10 })).items).toMatchObject([hold]);
    const by = reviewer('ben');
    const answer = { option: 'refund', data: null };
    const command = { type: 'answer', by, channel: 'api', revision: 1, answer, note: null } as const;
    expect(await must(store.holds.apply(hold.id, command))).toMatchObject({ kind: 'exception', status: 'answered' });
    const events = (await store.outbox.read(0, 10)).map(({ event }) => event);
    expect(events.map(({ type }) => type)).toEqual(['hold.opened', 'hold.answered']);
    for (const event of events) expect(event).not.toHaveProperty('call_id');
  });

  test('an older relay to an agent is taken by that agent alone', async () => {
    const store = await stores.open();
    const { hold } = await store.holds.openHandoff(
      handoffDraft('sort these', { kind: 'relay', to: { agent: 'helper-bot' } }),
    );
    await written(hold, NO_CALL);
    const accept = (agent: string) =>
      store.holds.apply(hold.id, { type: 'accept', by: { agent }, channel: 'agent', revision: 1, note: null });
    expect(await accept('other-bot')).toMatchObject({ refused: 'forbidden' });
    expect(await must(accept('helper-bot'))).toMatchObject({ status: 'accepted', artifacts: [{ name: 'notes.txt' }] });
  });

  test('an older hold of each kind ends with its suspended agent', async () => {
    const store = await stores.open();
    const { hold: call } = await store.holds.open(draft(1));
    const { hold: question } = await store.holds.openHandoff(handoffDraft('which invoice?'));
    await written(call, NO_HANDOFF);
    await written(question, NO_CALL);
    const suspension = { kind: 'agent', name: 'billing-bot', by: 'olga@example.com', channel: 'api' } as const;
    expect(await store.suspensions.suspend({ ...suspension, reason: null })).toEqual({ superseded: 2 });
  });
});
