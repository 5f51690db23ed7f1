import { describe, expect, test } from 'vitest';
import { isRefusal } from '../../../../gateway/domain/hold-command.ts';
import { assertCall, type Hold } from '../../../../gateway/domain/hold.ts';
import { ANSWER_KEPT } from '../../../../gateway/holds/deadlines.ts';
import { SETTLED_KEPT } from '../../../../gateway/holds/store/retention.ts';
import type { OwnedStore } from '../../../../gateway/holds/store/store.ts';
import { createHoldTimers } from '../../../../gateway/holds/timers.ts';
import { draft, handoffDraft, MINUTE, requirement, reviewer, ONE_OF_FINANCE } from '../../../helpers/hold.ts';
import { engines } from './engines.ts';
import {
  approve,
  eventTypes,
  executed,
  failed,
  indeterminate,
  must,
  reject,
  release,
  response,
  useStores,
} from './stores.ts';

describe.each(engines)('holds in $name', (engine) => {
  const stores = useStores(engine);

  describe('a hold', () => {
    test('a hold is found again whole, by another connection, after the first has closed', async () => {
      const first = await stores.open();
      const wanted = draft(500);
      const { hold, attached } = await first.holds.open(wanted);
      await first.close();
      const second = await stores.open();
      expect(attached).toBe(false);
      expect(await second.holds.find(hold.id)).toEqual(hold);
      expect(await second.contents.call(hold.id)).toEqual(wanted.call);
      expect(hold.expiresAt).toBe(stores.now + ONE_OF_FINANCE.expiresIn);
    });

    test('a hold goes from approval to its answer, and each step is in the outbox', async () => {
      const store = await stores.open();
      const { hold } = await store.holds.open(draft(500));
      await must(store.holds.apply(hold.id, approve()));
      const releasing = await must(store.holds.apply(hold.id, release));
      expect(await store.holds.releasing()).toEqual([releasing]);
      await must(store.holds.apply(hold.id, executed));
      expect(await store.contents.response(hold.id)).toEqual(response);
      expect(await store.holds.releasing()).toEqual([]);
      expect(await eventTypes(store)).toEqual(
        'hold.opened hold.voted hold.approved hold.released hold.executed'.split(' '),
      );
    });

    test('a rejected call that is repeated gets its rejection for ten minutes, then a new hold', async () => {
      const store = await stores.open();
      const { hold } = await store.holds.open(draft(500));
      await must(store.holds.apply(hold.id, reject));
      stores.now += 10 * MINUTE - 1;
      for (let time = 0; time < 20; time++) {
        expect(await store.holds.open(draft(500))).toMatchObject({
          attached: true,
          hold: { id: hold.id, status: 'rejected', rejectedUntil: stores.now + 1 },
        });
      }
      expect((await store.holds.open(draft(501))).attached).toBe(false);
      stores.now += 1;
      expect((await store.holds.open(draft(500))).attached).toBe(false);
    });

    test('a rule says for how long a rejection answers identical calls', async () => {
      const store = await stores.open();
      const asked = (amount: number, rejectionStands: number) =>
        draft(amount, { terms: { ...ONE_OF_FINANCE, rejectionStands } });
      const { hold: never } = await store.holds.open(asked(1, 0));
      const { hold: hour } = await store.holds.open(asked(2, 60 * MINUTE));
      for (const { id } of [never, hour]) await must(store.holds.apply(id, reject));
      expect((await store.holds.open(asked(1, 0))).attached).toBe(false);
      stores.now += 59 * MINUTE;
      expect((await store.holds.open(asked(2, 60 * MINUTE))).attached).toBe(true);
    });

    test('a rejection does not last longer because the clock was set back', async () => {
      const store = await stores.open();
      const { hold } = await store.holds.open(draft(500));
      await must(store.holds.apply(hold.id, reject));
      stores.now -= 60 * MINUTE;
      expect((await store.holds.open(draft(500))).attached).toBe(false);
    });

    test('a hold is attributed in every event', async () => {
      const store = await stores.open();
      const { hold } = await store.holds.open(draft(500));
      stores.now += 5000;
      await store.holds.apply(hold.id, approve());
      const [opened, , approved] = (await store.outbox.read(0, 10)).map(({ event }) => event);
      const whose = {
        node: 'test',
        hold_id: hold.id,
        call_id: hold.callId,
        agent: 'billing-bot',
        owner: 'ana@example.com',
        system: 'payments',
        operation: 'createRefund',
        rules: ['rules.payments/refund-over-limit'],
        policy_revision: 'p1',
        trace_id: 'a'.repeat(32),
      };
      expect(opened).toMatchObject({ ...whose, type: 'hold.opened', layer: 'decide', actor_kind: 'gateway' });
      expect(approved).toMatchObject({ ...whose, actor: 'ben@example.com', channel: 'api', held_ms: 5000 });
      expect(JSON.stringify(opened)).not.toContain('agent-secret');
    });

    test('the events of a hold name the rules that held, not an allow rule that matched too', async () => {
      const store = await stores.open();
      const { rules } = draft(500);
      const allows = { id: 'rules.payments/refund', verdict: 'allow', reason: null, trigger: 'rule' } as const;
      await store.holds.open(draft(500, { rules: [...rules, allows] }));
      const [opened] = await store.outbox.read(0, 10);
      expect(opened!.event.rules).toEqual(['rules.payments/refund-over-limit']);
    });

    test('a hold that does not exist is answered as not found', async () => {
      const store = await stores.open();
      expect(await store.holds.find('hold_none')).toBeNull();
      expect(await store.contents.call('hold_none')).toBeNull();
      expect(await store.contents.response('hold_none')).toBeNull();
      expect(await store.holds.apply('hold_none', approve())).toMatchObject({ refused: 'not-found' });
    });

    test('a hold that was refused a change is as it was, and nothing is in the outbox', async () => {
      const store = await stores.open();
      const { hold } = await store.holds.open(draft(500));
      expect(await store.holds.apply(hold.id, approve('ana'))).toMatchObject({ refused: 'forbidden' });
      expect(await store.holds.find(hold.id)).toEqual(hold);
      expect(await eventTypes(store)).toEqual(['hold.opened']);
    });
  });

  describe('an identical call', () => {
    test('an identical call re-attaches while the hold is open and opens another once it is settled', async () => {
      const store = await stores.open();
      const { hold } = await store.holds.open(draft(500));
      expect(await store.holds.open(draft(500))).toEqual({ hold, attached: true });
      await store.holds.apply(hold.id, approve());
      expect(await store.holds.open(draft(500))).toMatchObject({
        attached: true,
        hold: { id: hold.id, status: 'approved' },
      });
      await store.holds.apply(hold.id, release);
      expect(await store.holds.open(draft(500))).toMatchObject({ attached: true, hold: { execution: 'releasing' } });
      await store.holds.apply(hold.id, executed);
      await store.holds.apply(hold.id, { type: 'told' });
      const again = await store.holds.open(draft(500));
      expect(again.attached).toBe(false);
      expect(again.hold.id).not.toBe(hold.id);
    });

    test('an identical call opens one hold however many come at once, over several connections', async () => {
      const [one, other] = [await stores.open(), await stores.open()];
      const opened = await Promise.all(
        Array.from({ length: 40 }, (_none, index) => (index % 2 ? one : other).holds.open(draft(500))),
      );
      expect(new Set(opened.map(({ hold }) => hold.id)).size).toBe(1);
      expect(opened.filter(({ attached }) => !attached)).toHaveLength(1);
    });

    test('an identical call of another agent is another hold', async () => {
      const store = await stores.open();
      const { hold } = await store.holds.open(draft(500));
      const principal = { ...hold.principal, agent: 'other-bot' };
      expect((await store.holds.open(draft(500, { principal }))).attached).toBe(false);
    });

    test('an identical call does not re-attach to what the clock has ended although no timer has fired', async () => {
      const store = await stores.open();
      const { hold } = await store.holds.open(draft(500));
      stores.now = hold.expiresAt;
      expect((await store.holds.open(draft(500))).attached).toBe(false);
      expect((await store.holds.find(hold.id))?.status).toBe('expired');
      expect(await eventTypes(store)).toEqual(['hold.opened', 'hold.expired', 'hold.opened']);
    });

    test('an identical call that asks for a handle gives the hold one', async () => {
      const store = await stores.open();
      const { hold } = await store.holds.open(draft(500));
      expect(await store.holds.open(draft(500, { handle: true }))).toMatchObject({
        hold: { id: hold.id, handle: true },
      });
      await store.holds.apply(hold.id, approve());
      expect(await store.holds.releasable()).toMatchObject([{ id: hold.id }]);
    });
  });

  describe('an end that no caller was told of', () => {
    /** A call that was executed without a caller, or for one of the process `tellingBy`. */
    async function done(store: OwnedStore, asked = draft(500), tellingBy: string | null = null): Promise<string> {
      const { hold } = await store.holds.open(asked);
      await store.holds.apply(hold.id, approve());
      await store.holds.apply(hold.id, release);
      await must(store.holds.apply(hold.id, { ...executed, tellingBy }));
      return hold.id;
    }

    test('what was executed is told to the next identical call, and one after that opens another hold', async () => {
      const store = await stores.open();
      const id = await done(store);
      const { hold, attached } = await store.holds.open(draft(500), 'worker-1');
      expect([attached, hold.id, hold.owed?.by]).toEqual([true, id, 'worker-1']);
      await must(store.holds.apply(id, { type: 'told' }));
      expect((await store.holds.open(draft(500), 'worker-1')).attached).toBe(false);
    });

    test('while a living process tells it, an identical call waits, and becomes a new one', async () => {
      const store = await stores.open();
      await store.senders.join('worker-1');
      const id = await done(store, draft(500), 'worker-1');
      const waiting = store.holds.open(draft(500), 'worker-2');
      await must(store.holds.apply(id, { type: 'told' }));
      expect((await waiting).attached).toBe(false);
    });

    test('what a process missed to tell is told by the next one, as is that of a process that ended', async () => {
      const store = await stores.open();
      await store.senders.join('worker-1');
      const id = await done(store, draft(500), 'worker-1');
      expect(await store.holds.apply(id, { type: 'missed', by: 'worker-2' })).toMatchObject({ refused: 'state' });
      await must(store.holds.apply(id, { type: 'missed', by: 'worker-1' }));
      const taken = await store.holds.open(draft(500), 'worker-1');
      expect([taken.hold.id, taken.hold.owed?.by]).toEqual([id, 'worker-1']);
      await store.senders.end(() => true);
      const again = await store.holds.open(draft(500), 'worker-2');
      expect([again.hold.id, again.hold.owed?.by]).toEqual([id, 'worker-2']);
    });

    test('it is owed for a day', async () => {
      const store = await stores.open();
      const id = await done(store);
      stores.now += ANSWER_KEPT;
      expect(await store.holds.due(stores.now)).toMatchObject([{ id }]);
      expect((await store.holds.open(draft(500))).attached).toBe(false);
      expect(await store.holds.find(id)).toMatchObject({ execution: 'executed', owed: null });
    });

    test('a call with an Idempotency-Key is a new one, and so is one whose first caller has a handle', async () => {
      const store = await stores.open();
      await done(store);
      expect((await store.holds.open(draft(500, { idempotencyKey: 'k1' }))).attached).toBe(false);
      await done(store, draft(600, { handle: true }));
      expect((await store.holds.open(draft(600))).attached).toBe(false);
    });

    test('a message of MCP is owed its answer with a handle too, and the news that it expired', async () => {
      const store = await stores.open();
      const id = await done(store, draft(500, { handle: true, mcp: true }));
      expect((await store.holds.open(draft(500, { mcp: true }))).hold.id).toBe(id);
      const { hold } = await store.holds.open(draft(600, { mcp: true }));
      stores.now = hold.expiresAt;
      await must(store.holds.apply(hold.id, { type: 'expire' }));
      expect(await store.holds.open(draft(600, { mcp: true }))).toMatchObject({
        attached: true,
        hold: { id: hold.id, status: 'expired', owed: null },
      });
      expect((await store.holds.open(draft(600, { mcp: true }))).attached).toBe(false);
    });
  });

  describe('an Idempotency-Key', () => {
    const keyed = (amount: number) => draft(amount, { idempotencyKey: 'k1' });

    test('an Idempotency-Key with another payload is refused, open or settled', async () => {
      const store = await stores.open();
      const { hold } = await store.holds.open(keyed(500));
      await expect(store.holds.open(keyed(501))).rejects.toMatchObject({ code: 'key-reused' });
      await store.holds.apply(hold.id, reject);
      await expect(store.holds.open(keyed(501))).rejects.toMatchObject({ code: 'key-reused' });
      expect((await store.holds.list({ limit: 10 })).items).toHaveLength(1);
    });

    test('an Idempotency-Key finds its rejection for a day, then asks again', async () => {
      const store = await stores.open();
      const { hold } = await store.holds.open(keyed(500));
      await store.holds.apply(hold.id, reject);
      stores.now += ANSWER_KEPT - 1;
      expect(await store.holds.open(keyed(500))).toMatchObject({
        attached: true,
        hold: { id: hold.id, status: 'rejected' },
      });
      stores.now += 2;
      expect((await store.holds.open(keyed(500))).attached).toBe(false);
    });

    test('an Idempotency-Key finds the stored answer', async () => {
      const store = await stores.open();
      const { hold } = await store.holds.open(keyed(500));
      await store.holds.apply(hold.id, approve());
      await store.holds.apply(hold.id, release);
      await store.holds.apply(hold.id, executed);
      expect(await store.holds.open(keyed(500))).toMatchObject({
        attached: true,
        hold: { id: hold.id, execution: 'executed' },
      });
      expect(await store.contents.response(hold.id)).toEqual(response);
    });

    test('an Idempotency-Key asks again where nothing was sent and no person rejected the call', async () => {
      const store = await stores.open();
      const { hold } = await store.holds.open(keyed(500));
      await store.holds.apply(hold.id, approve());
      await store.holds.apply(hold.id, release);
      await store.holds.apply(hold.id, failed);
      expect((await store.holds.open(keyed(500))).attached).toBe(false);
    });

    test('an Idempotency-Key asks again once it is found out that the call was not executed', async () => {
      const store = await stores.open();
      const { hold } = await store.holds.open(keyed(500));
      await store.holds.apply(hold.id, approve());
      await store.holds.apply(hold.id, release);
      await store.holds.apply(hold.id, indeterminate);
      expect(await store.holds.open(keyed(500))).toMatchObject({
        attached: true,
        hold: { execution: 'indeterminate' },
      });
      await must(store.holds.apply(hold.id, { type: 'read-back', executed: false, evidence: 'not found' }));
      expect((await store.holds.open(keyed(500))).attached).toBe(false);
    });

    test('an Idempotency-Key of another agent means nothing here', async () => {
      const store = await stores.open();
      const { hold } = await store.holds.open(keyed(500));
      const principal = { ...hold.principal, agent: 'other-bot' };
      const other = await store.holds.open({ ...keyed(501), principal });
      expect(other.attached).toBe(false);
    });
  });

  describe('the list', () => {
    test('the list pages from the newest to the oldest without a gap', async () => {
      const store = await stores.open();
      const opened: string[] = [];
      for (let amount = 1; amount <= 5; amount++) opened.push((await store.holds.open(draft(amount))).hold.id);
      const seen: string[] = [];
      let cursor: string | null = '';
      do {
        const page: { items: Hold[]; next: string | null } = await store.holds.list({
          limit: 2,
          ...(cursor && { cursor }),
        });
        seen.push(...page.items.map(({ id }) => id));
        cursor = page.next;
      } while (cursor !== null);
      expect(seen).toEqual(opened.toSorted().toReversed());
    });

    test('the list by the clock has what is late first, then what is due, escalates or ends next', async () => {
      const store = await stores.open();
      const open = async (amount: number, asked: Parameters<typeof draft>[2]) =>
        (await store.holds.open(draft(amount, {}, asked))).hold.id;
      const due = await open(1, { respondWithin: 3 * MINUTE });
      const ends = await open(2, { respondWithin: 60 * MINUTE, expiresIn: 2 * MINUTE });
      const chain = [{ after: MINUTE, to: ['leads'] }];
      const escalates = await open(3, { requirements: [requirement(['finance'], 1, chain)] });
      const late = await open(4, { respondWithin: 1 });
      const decided = await open(5, { respondWithin: 2 });
      await must(store.holds.apply(decided, reject));
      const ids = async () => (await store.holds.list({ limit: 10, order: 'due' })).items.map(({ id }) => id);
      expect(await ids()).toEqual([late, escalates, ends, due]);
      stores.now += MINUTE;
      await must(store.holds.apply(escalates, { type: 'escalate-due' }));
      expect(await ids()).toEqual([late, ends, due, escalates]);
    });

    test('the list by the clock has no gap between its pages, though holds of one moment are cut apart and others come', async () => {
      const store = await stores.open();
      const asked = { respondWithin: MINUTE };
      const opened: string[] = [];
      for (let amount = 1; amount <= 5; amount++)
        opened.push((await store.holds.open(draft(amount, {}, asked))).hold.id);
      const seen: string[] = [];
      let cursor: string | null = '';
      do {
        const page: { items: Hold[]; next: string | null } = await store.holds.list({
          limit: 2,
          order: 'due',
          ...(cursor && { cursor }),
        });
        seen.push(...page.items.map(({ id }) => id));
        cursor = page.next;
        await store.holds.open(draft(6, {}, { respondWithin: 1 }));
        await store.holds.apply(seen[0]!, reject);
      } while (cursor !== null);
      expect(seen).toEqual(opened.toSorted());
    });

    test('the list filters by status, system, agent and group', async () => {
      const store = await stores.open();
      const { hold } = await store.holds.open(draft(1));
      await store.holds.open(draft(2, { system: 'crm' }, { requirements: [requirement(['legal', 'sales'])] }));
      await store.holds.apply(hold.id, reject);
      const ids = async (filter: object) =>
        (await store.holds.list({ limit: 10, ...filter })).items.map((hold) => assertCall(hold).system);
      expect(await ids({ status: 'rejected' })).toEqual(['payments']);
      expect(await ids({ system: 'crm' })).toEqual(['crm']);
      expect(await ids({ agent: 'nobody' })).toEqual([]);
      expect(await ids({ group: 'sales' })).toEqual(['crm']);
      expect(await ids({ group: 'finance' })).toEqual(['payments']);
      expect(await store.counts()).toContainEqual({ status: 'rejected', execution: 'none', count: 1 });
    });

    test('the list tells capitals in the name of a group, and no pattern, from others', async () => {
      const store = await stores.open();
      await store.holds.open(draft(1, {}, { requirements: [requirement(['a_b', 'Legal'])] }));
      const found = async (group: string) => (await store.holds.list({ limit: 10, group })).items.length;
      expect(await Promise.all(['a_b', 'Legal', 'axb', 'legal', '%', 'egal', ''].map(found))).toEqual([
        1, 1, 0, 0, 0, 0, 1,
      ]);
    });

    test('the list filters by kind and by the agent to whom a relay goes', async () => {
      const store = await stores.open();
      await store.holds.open(draft(1));
      const { hold: asked } = await store.holds.openHandoff(handoffDraft('T-1'));
      const { hold: relayed } = await store.holds.openHandoff(
        handoffDraft('T-2', { kind: 'relay', to: { agent: 'other-bot' } }),
      );
      const ids = async (filter: object) =>
        (await store.holds.list({ limit: 10, ...filter })).items.map(({ id }) => id);
      expect(await ids({ kind: 'exception' })).toEqual([asked.id]);
      expect(await ids({ toAgent: 'other-bot' })).toEqual([relayed.id]);
      expect(await ids({ toAgent: 'billing-bot' })).toEqual([]);
    });

    test('the list filters by what people are late with', async () => {
      const store = await stores.open();
      const { hold } = await store.holds.open(draft(1));
      const { hold: decided } = await store.holds.open(draft(2));
      await store.holds.apply(decided.id, reject);
      expect((await store.holds.list({ limit: 10, overdue: true })).items).toEqual([]);
      stores.now = hold.slaAt + 1;
      expect((await store.holds.list({ limit: 10, overdue: true })).items).toMatchObject([{ id: hold.id }]);
    });

    test('the list shows a person what is suggested to them, what they have claimed, and the same for the people they stand in for', async () => {
      const reviewers = [reviewer('ben'), reviewer('eve', ['legal'])];
      const store = await stores.open({ reviewers });
      const { hold: suggested } = await store.holds.open(draft(1));
      const { hold: claimed } = await store.holds.open(draft(2, {}, { requirements: [requirement([])] }));
      expect(suggested.assignee).toBe('ben@example.com');
      const { hold: legal } = await store.holds.open(draft(3, {}, { requirements: [requirement(['legal'])] }));
      const claim = { type: 'claim', by: reviewers[0]!, channel: 'api', revision: 1 } as const;
      await must(store.holds.apply(claimed.id, claim));
      const mine = async (id: string) => (await store.holds.list({ limit: 10, mine: id })).items.map((hold) => hold.id);
      const ofBen = new Set(await mine('ben@example.com'));
      expect(ofBen).toEqual(new Set([suggested.id, claimed.id]));
      const period = { since: stores.now, until: stores.now + 1000 };
      await store.delegations.add({ from: 'eve@example.com', to: 'ben@example.com', ...period }, 'api');
      expect(new Set(await mine('ben@example.com'))).toEqual(new Set([suggested.id, claimed.id, legal.id]));
    });

    test('the list of open calls has what may be sent, once more or still, by the digest that the agent sent', async () => {
      const store = await stores.open();
      const { hold } = await store.holds.open(draft(1));
      const { hold: over } = await store.holds.open(draft(2));
      await store.holds.apply(over.id, reject);
      await store.holds.openHandoff(handoffDraft('T-1'));
      const call = { id: hold.id, agent: 'billing-bot', system: 'payments', digest: hold.askedDigest };
      expect(await store.holds.openCalls()).toEqual([call]);
      await store.holds.apply(hold.id, approve());
      await store.holds.apply(hold.id, release);
      await store.holds.apply(hold.id, indeterminate);
      expect(await store.holds.openCalls()).toEqual([call]);
      expect(await store.holds.indeterminate()).toMatchObject([{ id: hold.id }]);
    });

    test('the list of changes goes from the oldest to the newest', async () => {
      const store = await stores.open();
      const { hold: first } = await store.holds.open(draft(1));
      const { hold: second } = await store.holds.open(draft(2));
      stores.now += 10;
      await store.holds.apply(first.id, approve());
      expect((await store.holds.changedSince(0, 10)).map(({ id }) => id)).toEqual([second.id, first.id]);
      expect((await store.holds.changedSince(0, 1)).map(({ id }) => id)).toEqual([second.id]);
      expect((await store.holds.changedSince(stores.now, 10)).map(({ id }) => id)).toEqual([first.id]);
    });

    test('the list routes a hold anew when policy asks again', async () => {
      const store = await stores.open();
      const { hold } = await store.holds.open(draft(1));
      await store.holds.apply(hold.id, approve());
      const terms = { ...ONE_OF_FINANCE, requirements: [requirement(['legal'])] };
      const { rules } = hold;
      const judgement = { rules, reason: 'new', terms, cost: null, policyRevision: 'p2' };
      await store.holds.apply(hold.id, { type: 'reopen', ...judgement });
      expect((await store.holds.list({ limit: 10, group: 'finance' })).items).toEqual([]);
      expect((await store.holds.list({ limit: 10, group: 'legal' })).items).toMatchObject([
        { id: hold.id, revision: 2 },
      ]);
      expect(await store.contents.call(hold.id)).toEqual(draft(1).call);
    });
  });

  describe('an edit', () => {
    test('an edit keeps the call that was sent beside the call that is sent now', async () => {
      const store = await stores.open();
      const wanted = draft(500);
      const { hold } = await store.holds.open(wanted);
      const { call, digest, envelope, rules, reason, terms, cost, policyRevision } = draft(400);
      const edit = {
        type: 'edit',
        by: reviewer('ben'),
        channel: 'api',
        revision: 1,
        note: null,
        seenAt: null,
        call,
        digest,
        envelope,
        judgement: { rules, reason, terms, cost, policyRevision },
      } as const;
      const edited = await must(store.holds.apply(hold.id, edit));
      expect(edited).toMatchObject({ revision: 2, digest, askedDigest: wanted.digest });
      expect(await store.contents.call(hold.id)).toEqual(call);
      expect(await store.contents.call(hold.id, 1)).toEqual(wanted.call);
      expect(await store.contents.call(hold.id, 2)).toEqual(call);
      expect(await store.holds.open(draft(500))).toMatchObject({ attached: true, hold: { id: hold.id } });
      expect((await store.holds.open(draft(400))).attached).toBe(false);
    });
  });

  describe('an attempt', () => {
    test('an attempt that asks once more after a lost commit answer finds its own work done', async () => {
      const store = await stores.open();
      for (const end of [executed, failed, indeterminate]) {
        const { hold } = await store.holds.open(draft(500));
        await must(store.holds.apply(hold.id, approve()));
        const releasing = await must(store.holds.apply(hold.id, release));
        expect(await store.holds.apply(hold.id, release)).toEqual(releasing);
        const ended = await must(store.holds.apply(hold.id, end));
        expect(await store.holds.apply(hold.id, end)).toEqual(ended);
        expect(await store.holds.apply(hold.id, { ...end, attempt: 'att_2' })).toMatchObject({ refused: 'state' });
        expect(await store.holds.apply(hold.id, release)).toMatchObject({ refused: 'state' });
        if (end === indeterminate) break;
        await store.holds.apply(hold.id, { type: 'told' });
      }
      const types = await eventTypes(store);
      expect(types.filter((type) => type === 'hold.released')).toHaveLength(3);
      expect(types.filter((type) => type === 'hold.executed')).toHaveLength(1);
    });
  });

  describe('a handoff', () => {
    test('a handoff is given back as it was sent, and its answer to the agent that asked', async () => {
      const store = await stores.open();
      const wanted = handoffDraft('T-1');
      const { hold, attached } = await store.holds.openHandoff(wanted);
      expect(attached).toBe(false);
      expect(hold).toMatchObject({ kind: 'exception', status: 'pending' });
      expect(hold).not.toHaveProperty('callId');
      expect(JSON.stringify(await store.contents.handoff(hold.id))).toBe(JSON.stringify(wanted.form));
      expect(await store.contents.artifact(hold.id, 'notes.txt')).toEqual(wanted.artifacts[0]);
      expect(await store.contents.artifact(hold.id, 'other.txt')).toBeNull();
      expect(await store.contents.call(hold.id)).toBeNull();
      expect(await store.contents.answer(hold.id)).toBeNull();
      expect(await store.holds.openHandoff(wanted)).toEqual({ hold, attached: true });
      const answer = { option: 'refund', data: { amount: 5, parts: [1, null] } };
      const by = reviewer('ben');
      await must(store.holds.apply(hold.id, { type: 'answer', by, channel: 'api', revision: 1, answer, note: null }));
      expect(await store.contents.answer(hold.id)).toEqual(answer);
      expect((await store.holds.openHandoff(wanted)).attached).toBe(false);
    });

    test('a handoff with an artifact of no bytes and one of many keeps both', async () => {
      const store = await stores.open();
      const big = Buffer.alloc(3_000_000, 'x');
      const artifacts = [Buffer.alloc(0), big].map((content, index) => {
        return { name: `${index}.bin`, type: 'text/plain', bytes: content.length, sha256: 'a'.repeat(64), content };
      });
      const { hold } = await store.holds.openHandoff(handoffDraft('T-1', { kind: 'relay', artifacts }));
      expect(await store.contents.artifact(hold.id, '0.bin')).toEqual(artifacts[0]);
      expect((await store.contents.artifact(hold.id, '1.bin'))?.content.equals(big)).toBe(true);
    });
  });

  describe('what is held', () => {
    test('what is held cannot be read in the database, and neither can the answer', async () => {
      const store = await stores.open();
      const wanted = draft(500);
      const body = Buffer.from('{"marker":"qwertz-body"}');
      const { hold } = await store.holds.open({
        ...wanted,
        call: { ...wanted.call, body, input: '{"x":"qwertz-input"}' },
      });
      await store.holds.apply(hold.id, approve());
      await store.holds.apply(hold.id, release);
      await store.holds.apply(hold.id, executed);
      await store.holds.openHandoff(handoffDraft('T-9'));
      const kept: Buffer[] = [];
      for (const table of ['holds', 'sealed', 'outbox', 'notices', 'grants']) {
        for (const row of await stores.place.raw(`select * from ${table}`)) {
          for (const value of Object.values(row)) {
            kept.push(value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(String(value)));
          }
        }
      }
      expect(kept.some((value) => value.includes(hold.id))).toBe(true);
      const secrets = ['qwertz-body', 'qwertz-input', 're_marker', 'agent-secret', 'qwertz-summary', 'artifact of T-9'];
      expect(secrets.filter((secret) => kept.some((value) => value.includes(secret)))).toEqual([]);
    });

    test('what is held cannot be opened, nor added to, with another key', async () => {
      await (await stores.open()).holds.open(draft(500));
      await expect(stores.open({ key: Buffer.alloc(32, 8) })).rejects.toThrow('another key');
    });

    test('what is held is not given out when its row was moved to another hold', async () => {
      const store = await stores.open();
      const { hold } = await store.holds.open(draft(500));
      const { hold: other } = await store.holds.open(draft(5));
      await stores.place.raw(
        `update sealed set content = (select content from sealed where hold_id = '${other.id}') where hold_id = '${hold.id}'`,
      );
      await expect(store.contents.call(hold.id)).rejects.toMatchObject({ code: 'store-unavailable' });
    });
  });

  test('a store that cannot write says so and opens nothing', async () => {
    const store = await stores.open();
    await stores.place.raw('drop table outbox');
    await expect(store.holds.open(draft(500))).rejects.toMatchObject({ code: 'store-unavailable' });
    expect((await store.holds.list({ limit: 10 })).items).toEqual([]);
  });

  describe('the outbox', () => {
    test('the outbox is read in order, from where the reader was, and forgets what was shipped', async () => {
      const store = await stores.open();
      for (let amount = 1; amount <= 3; amount++) await store.holds.open(draft(amount));
      const all = await store.outbox.read(0, 10);
      expect(all.map(({ seq }) => seq)).toEqual(all.map(({ seq }) => seq).toSorted((a, b) => a - b));
      expect(await store.outbox.read(all[0]!.seq, 1)).toEqual([all[1]]);
      await store.outbox.forget(all[1]!.seq);
      expect(await store.outbox.read(0, 10)).toEqual([all[2]]);
    });
  });

  describe('approve against expire', () => {
    test('the first commit wins and the loser is told who won', async () => {
      const [one, other] = [await stores.open(), await stores.open()];
      const { hold } = await one.holds.open(draft(500));
      const [approved, rejected] = await Promise.all([
        one.holds.apply(hold.id, approve()),
        other.holds.apply(hold.id, reject),
      ]);
      const losers = [approved, rejected].filter(isRefusal);
      expect(losers).toHaveLength(1);
      expect(losers[0]).toMatchObject({ refused: 'state', detail: expect.stringContaining('by ben@example.com') });
      expect(
        (await eventTypes(one)).filter((type) => type === 'hold.approved' || type === 'hold.rejected'),
      ).toHaveLength(1);
    });

    test('the timer expires what is undecided, once, and leaves what was approved in time', async () => {
      const store = await stores.open();
      const { hold: late } = await store.holds.open(draft(1));
      const { hold: decided } = await store.holds.open(draft(2));
      await store.holds.apply(decided.id, approve());
      stores.now = late.expiresAt;
      const timers = createHoldTimers({
        holds: store.holds,
        prune: (now) => store.prune(now),
        clock: () => stores.now,
        interval: 5,
        failed: () => {},
      });
      expect(await timers.tick()).toBe(1);
      expect(await timers.tick()).toBe(0);
      expect((await store.holds.find(late.id))?.status).toBe('expired');
      expect((await store.holds.find(decided.id))?.status).toBe('approved');
      expect(await store.holds.apply(late.id, approve())).toMatchObject({ refused: 'state' });
      stores.now = assertCall((await store.holds.find(decided.id))!).redeemBy!;
      expect(await timers.tick()).toBe(1);
      expect((await store.holds.find(decided.id))?.status).toBe('lapsed');
    });

    test('a command after the deadline finds the hold expired, timer or not', async () => {
      const store = await stores.open();
      const { hold } = await store.holds.open(draft(1));
      stores.now = hold.expiresAt;
      expect(await store.holds.apply(hold.id, approve())).toMatchObject({
        refused: 'state',
        hold: { status: 'expired' },
      });
      expect((await store.holds.find(hold.id))?.status).toBe('expired');
    });

    test('what a command would meet is told without carrying it out, except that a deadline is settled', async () => {
      const store = await stores.open();
      const { hold } = await store.holds.open(draft(1));
      expect(await store.holds.foresee(hold.id, approve())).toBeNull();
      expect(await store.holds.foresee(hold.id, approve('ben', { revision: 2 }))).toMatchObject({
        refused: 'stale',
      });
      expect(await store.holds.find(hold.id)).toEqual(hold);
      stores.now = hold.expiresAt;
      expect(await store.holds.foresee(hold.id, approve())).toMatchObject({
        refused: 'state',
        hold: { status: 'expired' },
      });
      expect((await store.holds.find(hold.id))?.status).toBe('expired');
    });

    test('a gateway that finds the deadline over tells that another approved in time', async () => {
      const [one, other] = [await stores.open(), await stores.open()];
      const { hold } = await one.holds.open(draft(1));
      stores.now = hold.expiresAt - 1;
      const approving = one.holds.apply(hold.id, approve());
      stores.now = hold.expiresAt;
      const [, refusal] = await Promise.all([approving, other.holds.foresee(hold.id, approve('cleo'))]);
      const won = isRefusal(await approving) ? 'Expired' : 'Already approved by ben@example.com';
      expect(refusal).toMatchObject({ refused: 'state', detail: expect.stringContaining(won) });
    });

    test('running timers expire by themselves and stop when told', async () => {
      const store = await stores.open();
      const { hold } = await store.holds.open(draft(1));
      const expired = new Promise<Hold>((resolve) =>
        store.holds.watch((hold) => hold.status === 'expired' && resolve(hold)),
      );
      const timers = createHoldTimers({
        holds: store.holds,
        prune: (now) => store.prune(now),
        clock: () => stores.now,
        interval: 5,
        failed: () => {},
      });
      timers.start();
      stores.now = hold.expiresAt;
      expect((await expired).id).toBe(hold.id);
      await timers.stop();
    });
  });

  test('answers are kept for a day and settled holds for a month', async () => {
    const store = await stores.open();
    const { hold } = await store.holds.open(draft(1));
    const { hold: pending } = await store.holds.open(draft(2, {}, { expiresIn: 10 * SETTLED_KEPT }));
    await store.holds.apply(hold.id, approve());
    await store.holds.apply(hold.id, release);
    await store.holds.apply(hold.id, executed);
    await store.prune(stores.now + ANSWER_KEPT);
    expect(await store.contents.response(hold.id)).not.toBeNull();
    await store.prune(stores.now + ANSWER_KEPT + 1);
    expect(await store.contents.response(hold.id)).toBeNull();
    expect(await store.contents.call(hold.id)).not.toBeNull();
    await store.prune(stores.now + SETTLED_KEPT + 1);
    expect(await store.holds.find(hold.id)).toBeNull();
    expect(await store.contents.call(hold.id)).toBeNull();
    expect(await store.holds.find(pending.id)).toEqual(pending);
  });
});
