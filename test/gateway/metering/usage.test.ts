import { beforeEach, describe, expect, test } from 'vitest';
import type { Call } from '../../../gateway/domain/call.ts';
import type { Decision } from '../../../gateway/domain/decision.ts';
import type { UsageStore } from '../../../gateway/domain/usage.ts';
import { createUsage, type Usage } from '../../../gateway/metering/usage.ts';
import type { OwnedStore } from '../../../gateway/holds/store/store.ts';
import { engines } from '../holds/store/engines.ts';
import { useStores } from '../holds/store/stores.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe.each(engines)('usage in $name', (engine) => {
  const stores = useStores(engine);
  let store: OwnedStore;

  beforeEach(async () => {
    store = await stores.open();
  });

  function usageOn(usage: UsageStore, wanted = () => true, wantsRepeat = () => false): Usage {
    return createUsage({
      store: usage,
      wanted,
      wantsRepeat,
      digest: (_, { body }) => body.toString(),
      clock: () => stores.now,
      failed: () => {},
    });
  }

  function call(more: { agent?: string; owner?: string; operation?: string; body?: string } = {}): Call {
    const {
      agent = 'billing-bot',
      owner = 'ana@example.com',
      operation = 'createRefund',
      body = '{"amount":1}',
    } = more;
    const principal = { agent, owner, roles: [], onBehalfOf: [] };
    const input = `{"principal":${JSON.stringify(principal)},"action":{"system":"payments","operation":"${operation}","body":${body}}}`;
    return {
      principal,
      system: 'payments',
      operation,
      receivedAt: stores.now,
      body: Buffer.from(body),
      otherReadings: [],
      input,
    } as unknown as Call;
  }

  function decision(verdict: Decision['verdict'], cost: Decision['cost'] = null): Decision {
    return { verdict, cost } as Decision;
  }

  type Seen = Record<'agent' | 'owner' | 'operation', Record<'minute' | 'hour' | 'day', object>> & { stale: boolean };
  function seen(usage: Usage, of = call()): Seen {
    return (JSON.parse(usage.judged(of).input) as { usage: Seen }).usage;
  }

  test('calls count for the agent, its owner and the operation, in each window', () => {
    const usage = usageOn(store.usage);
    usage.decided(call(), decision('allow'));
    usage.decided(call(), decision('block'));
    usage.decided(call({ agent: 'mail-bot', operation: 'sendMail' }), decision('hold'));
    const { agent, owner, operation } = seen(usage);
    const two = { calls: 2, blocked: 1, held: 0, cost: {} };
    expect(agent).toEqual({ minute: two, hour: two, day: two });
    expect(owner.day).toEqual({ calls: 3, blocked: 1, held: 1, cost: {} });
    expect(operation.hour).toEqual(two);
  });

  test('windows slide: they drop what is older than a minute, an hour or a day, and nothing newer', () => {
    const usage = usageOn(store.usage);
    usage.decided(call(), decision('allow', { amount: 2.5, unit: 'EUR' }));
    const inside = { calls: 1, blocked: 0, held: 0, cost: { EUR: 2.5 } };
    const outside = { calls: 0, blocked: 0, held: 0, cost: {} };
    stores.now += MINUTE;
    expect(seen(usage).agent).toEqual({ minute: inside, hour: inside, day: inside });
    stores.now += 5_000;
    expect(seen(usage).agent).toEqual({ minute: outside, hour: inside, day: inside });
    stores.now += HOUR;
    expect(seen(usage).agent).toEqual({ minute: outside, hour: outside, day: inside });
    stores.now += 24 * HOUR;
    expect(seen(usage).agent).toEqual({ minute: outside, hour: outside, day: outside });
  });

  test('a cost that policy knows counts at once, and the measured cost replaces it', () => {
    const usage = usageOn(store.usage);
    const expected = decision('allow', { amount: 10, unit: 'EUR' });
    const [exact, dearer, unsent, metered] = [call(), call(), call(), call()];
    for (const each of [exact, dearer, unsent, metered]) usage.decided(each, expected);
    expect(seen(usage).agent.day).toMatchObject({ cost: { EUR: 40 } });
    usage.completed(exact, expected, { amount: 10, unit: 'EUR' });
    usage.completed(dearer, expected, { amount: 12.1, unit: 'EUR' });
    usage.completed(unsent, expected, null);
    usage.completed(metered, expected, { amount: 900, unit: 'tokens' });
    expect(seen(usage).agent.day).toMatchObject({ cost: { EUR: 22.1, tokens: 900 } });
  });

  test('a correction leaves the window together with the cost that it corrects', () => {
    const usage = usageOn(store.usage);
    const slow = call();
    usage.decided(slow, decision('allow', { amount: 10, unit: 'EUR' }));
    stores.now += 50_000;
    usage.decided(call(), decision('allow', { amount: 3, unit: 'EUR' }));
    usage.completed(slow, decision('allow', { amount: 10, unit: 'EUR' }), null);
    stores.now += 20_000;
    expect(seen(usage).agent.minute).toMatchObject({ cost: { EUR: 3 } });
  });

  test('a call that was not counted is not corrected: it could not be recorded, or usage was not read then', () => {
    let asked = true;
    const usage = usageOn(store.usage, () => asked);
    const expected = decision('allow', { amount: 10, unit: 'EUR' });
    const early = call();
    asked = false;
    usage.decided(early, expected);
    asked = true;
    usage.completed(early, expected, { amount: 12, unit: 'EUR' });
    usage.completed(call(), expected, null);
    expect(seen(usage).agent.day).toEqual({ calls: 0, blocked: 0, held: 0, cost: {} });
  });

  test('a unit may have any name', () => {
    const usage = usageOn(store.usage);
    usage.decided(call(), decision('allow', { amount: 2, unit: 'constructor' }));
    expect(seen(usage).agent.day).toMatchObject({ cost: { constructor: 2 } });
  });

  test('a held call counts its cost once it is released', () => {
    const usage = usageOn(store.usage);
    usage.decided(call(), decision('hold', { amount: 10, unit: 'EUR' }));
    usage.completed(call(), decision('hold', { amount: 10, unit: 'EUR' }), null);
    expect(seen(usage).agent.day).toEqual({ calls: 1, blocked: 0, held: 1, cost: {} });
    usage.spent(
      { agent: 'billing-bot', owner: 'ana@example.com', system: 'payments', operation: 'createRefund' },
      { amount: 9, unit: 'EUR' },
    );
    expect(seen(usage).agent.day).toMatchObject({ cost: { EUR: 9 } });
  });

  describe('usage shared by several processes on one store', () => {
    test('each process knows the counts of the others after both have exchanged, and counts nothing twice', async () => {
      const [a, b] = [usageOn(store.usage), usageOn((await stores.open()).usage)];
      for (let round = 1; round <= 3; round++) {
        a.decided(call(), decision('allow', { amount: 1.5, unit: 'EUR' }));
        b.decided(call(), decision('block'));
        expect(seen(a).agent.day).toMatchObject({ calls: 2 * round - 1 });
        await a.exchange();
        await b.exchange();
        await a.exchange();
        const both = { calls: 2 * round, blocked: round, held: 0, cost: { EUR: 1.5 * round } };
        expect(seen(a).agent.day).toEqual(both);
        expect(seen(b).agent.day).toEqual(both);
      }
    });

    test('a count made during an exchange is neither lost nor doubled', async () => {
      const a = usageOn(store.usage);
      a.decided(call(), decision('allow'));
      const exchanging = a.exchange();
      a.decided(call(), decision('allow'));
      await exchanging;
      expect(seen(a).agent.day).toMatchObject({ calls: 2 });
      await a.exchange();
      await a.exchange();
      expect(seen(a).agent.day).toMatchObject({ calls: 2 });
      expect(seen(usageOn(store.usage)).agent.day).toMatchObject({ calls: 0 });
    });

    test('a process that starts later, even after a crash, knows the day so far', async () => {
      const before = usageOn(store.usage);
      before.decided(call(), decision('allow', { amount: 4, unit: 'EUR' }));
      await before.exchange();
      stores.now += 2 * HOUR;
      const after = usageOn(store.usage);
      await after.exchange();
      expect(seen(after).agent).toMatchObject({ hour: { calls: 0 }, day: { calls: 1, cost: { EUR: 4 } } });
    });

    test('policy sees that counts are stale while the store is unavailable, and own counts go on', async () => {
      let away = false;
      const flaky: UsageStore = {
        add: (counts) => (away ? Promise.reject(new Error('away')) : store.usage.add(counts)),
        totals: (since) => (away ? Promise.reject(new Error('away')) : store.usage.totals(since)),
      };
      const usage = usageOn(flaky);
      expect(seen(usage).stale).toBe(true);
      await usage.exchange();
      expect(seen(usage).stale).toBe(false);
      away = true;
      usage.decided(call(), decision('allow'));
      stores.now += 6_000;
      await expect(usage.exchange()).rejects.toThrow('away');
      expect(seen(usage)).toMatchObject({ stale: true, agent: { day: { calls: 1 } } });
      away = false;
      await usage.exchange();
      expect(seen(usage)).toMatchObject({ stale: false, agent: { day: { calls: 1 } } });
      const other = usageOn(store.usage);
      await other.exchange();
      expect(seen(other).agent.day).toMatchObject({ calls: 1 });
    });

    test('rows that no window covers any more are deleted', async () => {
      const usage = usageOn(store.usage);
      usage.decided(call(), decision('allow'));
      await usage.exchange();
      await store.prune(stores.now);
      expect((await store.usage.totals(0)).counts.length).toBe(9);
      stores.now += 25 * HOUR;
      await store.prune(stores.now);
      stores.now -= 25 * HOUR;
      expect((await store.usage.totals(0)).counts).toEqual([]);
    });
  });

  test('an input that is judged again gets the current usage, whatever its body says', () => {
    const usage = usageOn(store.usage);
    const tricky = call({ body: '{"x":1,"usage":{"agent":{"day":{"calls":0}}}}' });
    const first = usage.judged(tricky).input;
    usage.decided(tricky, decision('hold'));
    const again = JSON.parse(usage.judgedAgain(first, null)) as { action: object; usage: Seen };
    expect(again.usage.agent.day).toMatchObject({ held: 1 });
    expect(again.action).toEqual((JSON.parse(tricky.input) as { action: object }).action);
    const neverSeen = JSON.parse(usage.judgedAgain(tricky.input, null)) as { action: object; usage: Seen };
    expect(neverSeen).toEqual(again);
  });

  test('nothing is counted, written or added to the input for a policy that does not read usage', async () => {
    const usage = usageOn(store.usage, () => false);
    const one = call();
    usage.decided(one, decision('allow', { amount: 1, unit: 'EUR' }));
    expect(usage.judged(one)).toBe(one);
    expect(usage.judgedAgain(one.input, 'digest')).toBe(one.input);
    await usage.exchange();
    expect((await store.usage.totals(0)).counts).toEqual([]);
  });

  describe('identical calls', () => {
    type Repeat = { count: number; age_s?: number };
    const repeatIn = (input: string) => (JSON.parse(input) as { action: { repeat?: Repeat } }).action.repeat;
    const pay = (amount = 1) => call({ body: `{"amount":${amount}}` });
    const counting = (usage: UsageStore) =>
      usageOn(
        usage,
        () => false,
        () => true,
      );
    const repeat = (usage: Usage, of = pay()) => repeatIn(usage.judged(of).input);

    test('identical calls that were allowed or released within the hour are counted, with the age of the last', () => {
      const usage = counting(store.usage);
      expect(repeat(usage)).toEqual({ count: 0 });
      usage.decided(pay(), decision('block'));
      usage.decided(pay(), decision('hold'));
      usage.decided(pay(2), decision('allow'));
      expect(repeat(usage)).toEqual({ count: 0 });
      usage.decided(pay(), decision('allow'));
      stores.now += 30_000;
      expect(repeat(usage)).toEqual({ count: 1, age_s: 30 });
      usage.released('payments', '{"amount":1}');
      stores.now += 3_000;
      expect(repeat(usage)).toEqual({ count: 2, age_s: 3 });
      stores.now += HOUR - 3_000;
      expect(repeat(usage)).toEqual({ count: 1, age_s: 3_600 });
      stores.now += 2_000;
      expect(repeat(usage)).toEqual({ count: 0 });
    });

    test('processes on one store learn of identical calls from each other', async () => {
      const [here, there] = [counting(store.usage), counting(store.usage)];
      here.decided(pay(), decision('allow'));
      there.decided(pay(), decision('allow'));
      for (const usage of [here, there, here]) await usage.exchange();
      stores.now += 5_000;
      for (const usage of [here, there]) expect(repeat(usage)).toEqual({ count: 2, age_s: 5 });
      const restarted = counting(store.usage);
      await restarted.exchange();
      expect(repeat(restarted)).toEqual({ count: 2, age_s: 5 });
    });

    test('a held call is judged again with what was sent meanwhile, and a resend with what was known at first', () => {
      const usage = counting(store.usage);
      const { input } = usage.judged(pay());
      usage.decided(pay(), decision('allow'));
      expect(repeatIn(usage.judgedAgain(input, '{"amount":1}'))).toEqual({ count: 1, age_s: 0 });
      expect(repeatIn(usage.judgedAgain(pay().input, '{"amount":1}'))).toEqual({ count: 1, age_s: 0 });
      expect(repeatIn(usage.judgedAgain(input, null))).toEqual({ count: 0 });
    });

    test('the rest of the input stays as it was, whatever the call says', () => {
      const usage = counting(store.usage);
      const tricky = call({ agent: 'x","action":{"repeat":{"count":9},"', body: '{"action":{"repeat":{"count":9}}}' });
      const judged = JSON.parse(usage.judged(tricky).input) as { action: { repeat?: Repeat } };
      const before = JSON.parse(tricky.input) as { action: object };
      expect(judged).toEqual({ ...before, action: { ...before.action, repeat: { count: 0 } } });
    });

    test('only so many different calls are remembered, and the oldest is forgotten first', () => {
      const usage = counting(store.usage);
      for (let n = 0; n <= 20_000; n++) usage.decided(pay(n), decision('allow'));
      expect(repeat(usage, pay(0))).toEqual({ count: 0 });
      expect(repeat(usage, pay(1))).toEqual({ count: 1, age_s: 0 });
    });
  });

  test('operations beyond the limit share one count, so that made-up paths take no memory', () => {
    const usage = usageOn(store.usage);
    for (let n = 0; n < 10_000; n++) usage.decided(call({ operation: `GET /${n}` }), decision('block'));
    const { operation } = seen(usage, call({ operation: 'GET /another' }));
    expect((operation.day as { calls: number }).calls).toBeGreaterThan(0);
  });
});
