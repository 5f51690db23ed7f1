import { beforeEach, describe, expect, test } from 'vitest';
import type { Call } from '../../../gateway/domain/call.ts';
import type { Cost } from '../../../gateway/domain/cost.ts';
import type { Decision } from '../../../gateway/domain/decision.ts';
import type { UsageStore } from '../../../gateway/domain/usage.ts';
import { createUsage, type Usage } from '../../../gateway/metering/usage.ts';
import type { OwnedStore } from '../../../gateway/holds/store/store.ts';
import { engines } from '../holds/store/engines.ts';
import { useStores } from '../holds/store/stores.ts';
import { inputText } from '../../../gateway/domain/call-input.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe.each(engines)('usage in $name', (engine) => {
  const stores = useStores(engine);
  let store: OwnedStore;

  beforeEach(async () => {
    store = await stores.open();
  });

  /** What policy says of the next calls. */
  let says: Pick<Decision, 'verdict' | 'cost'>;
  /** What it says instead while counts may be old. */
  let saysWhenStale: Decision['verdict'] | null;
  /** What is known of the cost of calls beside it. */
  let price: { fixed?: Cost; metered?: string };
  beforeEach(() => {
    says = { verdict: 'allow', cost: null };
    saysWhenStale = null;
    price = {};
  });

  function usageOn(
    usage: UsageStore,
    wanted: (system: string | null) => boolean = () => true,
    wantsRepeat = () => false,
  ) {
    return createUsage({
      store: usage,
      decide: (input) => {
        const isStale = saysWhenStale !== null && inputText(input).includes('"stale":true');
        return (isStale ? { ...says, verdict: saysWhenStale } : says) as Decision;
      },
      wanted,
      wantsRepeat,
      expects: (_call, policyCost) => ({ cost: policyCost ?? price.fixed ?? null, metered: price.metered ?? null }),
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

  type Seen = Record<'agent' | 'owner' | 'operation', Record<'minute' | 'hour' | 'day', object>> & { stale: boolean };
  function seen(usage: Usage, of = call()): Seen {
    return (JSON.parse(usage.renewed(inputText(of.input), null)) as { usage: Seen }).usage;
  }

  /** Lets policy judge a call. */
  async function judged(
    usage: Usage,
    verdict: Decision['verdict'],
    cost: Cost | null = null,
    of = call(),
  ): Promise<Call> {
    says = { verdict, cost };
    await usage.judge(of);
    usage.decided(of, says as Decision);
    return of;
  }

  const eur = (amount: number): Cost => ({ amount, unit: 'EUR' });

  test('calls count for the agent, its owner and the operation, in each window', async () => {
    const usage = usageOn(store.usage);
    await judged(usage, 'allow');
    await judged(usage, 'block');
    await judged(usage, 'hold', null, call({ agent: 'mail-bot', operation: 'sendMail' }));
    const { agent, owner, operation } = seen(usage);
    const two = { calls: 2, blocked: 1, held: 0, cost: {} };
    expect(agent).toEqual({ minute: two, hour: two, day: two });
    expect(owner.day).toEqual({ calls: 3, blocked: 1, held: 1, cost: {} });
    expect(operation.hour).toEqual(two);
  });

  test('windows slide: they drop what is older than a minute, an hour or a day, and nothing newer', async () => {
    const usage = usageOn(store.usage);
    await judged(usage, 'allow', eur(2.5));
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

  test('a cost that policy knows counts at once, and the measured cost replaces it', async () => {
    const usage = usageOn(store.usage);
    const calls = [];
    for (let n = 0; n < 4; n++) calls.push(await judged(usage, 'allow', eur(10)));
    const [exact, dearer, unsent, metered] = calls as [Call, Call, Call, Call];
    expect(seen(usage).agent.day).toMatchObject({ cost: { EUR: 40 } });
    usage.completed(exact, eur(10));
    usage.completed(dearer, eur(12.1));
    usage.completed(unsent, null);
    usage.completed(metered, { amount: 900, unit: 'tokens' });
    expect(seen(usage).agent.day).toMatchObject({ cost: { EUR: 22.1, tokens: 900 } });
  });

  test('a call counts from its decision on, however long its body took to arrive', async () => {
    const usage = usageOn(store.usage);
    const slow = call();
    stores.now += 90_000;
    await judged(usage, 'allow', eur(5), slow);
    expect(seen(usage).agent.minute).toMatchObject({ calls: 1, cost: { EUR: 5 } });
  });

  test('a correction leaves the window together with the cost that it corrects', async () => {
    const usage = usageOn(store.usage);
    const slow = await judged(usage, 'allow', eur(10));
    stores.now += 50_000;
    await judged(usage, 'allow', eur(3));
    usage.completed(slow, null);
    stores.now += 20_000;
    expect(seen(usage).agent.minute).toMatchObject({ cost: { EUR: 3 } });
  });

  test('a call that was judged before usage was read is not corrected', async () => {
    let asked = false;
    const usage = usageOn(store.usage, () => asked);
    const early = await judged(usage, 'allow', eur(10));
    asked = true;
    usage.completed(early, eur(12));
    expect(seen(usage).agent.day).toEqual({ calls: 0, blocked: 0, held: 0, cost: {} });
  });

  test('an agent’s day is told as policy sees it, also by a process that serves no calls; and not while no rule reads it', async () => {
    let asked = true;
    const usage = usageOn(store.usage, () => asked);
    const control = usageOn((await stores.open()).usage, () => asked);
    await judged(usage, 'allow', eur(2.5));
    await judged(usage, 'block');
    await usage.share();
    await control.share();
    const day = { calls: 2, blocked: 1, held: 0, cost: { EUR: 2.5 } };
    expect([usage.agentDay('billing-bot'), control.agentDay('billing-bot')]).toEqual([day, day]);
    expect(seen(usage).agent.day).toEqual(day);
    expect(control.agentDay('nobody')).toEqual({ calls: 0, blocked: 0, held: 0, cost: {} });
    stores.now += 23 * HOUR;
    expect(control.agentDay('billing-bot')).toEqual(day);
    stores.now += 2 * HOUR;
    expect(control.agentDay('billing-bot')).toEqual({ calls: 0, blocked: 0, held: 0, cost: {} });
    asked = false;
    expect(control.agentDay('billing-bot')).toBeNull();
  });

  test('a unit may have any name', async () => {
    const usage = usageOn(store.usage);
    await judged(usage, 'allow', { amount: 2, unit: 'constructor' });
    expect(seen(usage).agent.day).toMatchObject({ cost: { constructor: 2 } });
  });

  describe('a held call', () => {
    const again = (usage: Usage, isSent = true) =>
      usage.judgeAgain({ input: inputText(call().input), digest: null, isSent: () => isSent });

    test('costs nothing until it is sent, and then what it costs', async () => {
      const usage = usageOn(store.usage);
      await judged(usage, 'hold', eur(10));
      expect(seen(usage).agent.day).toEqual({ calls: 1, blocked: 0, held: 1, cost: {} });
      const { settle } = await again(usage);
      expect(seen(usage).agent.day).toEqual({ calls: 1, blocked: 0, held: 1, cost: { EUR: 10 } });
      settle(eur(9));
      settle(null);
      expect(seen(usage).agent.day).toMatchObject({ cost: { EUR: 9 } });
    });

    test('costs nothing if it is not sent after all', async () => {
      const usage = usageOn(store.usage);
      await judged(usage, 'hold', eur(10));
      await again(usage, false);
      expect(seen(usage).agent.day).toMatchObject({ cost: {} });
      (await again(usage)).settle(null);
      expect(seen(usage).agent.day).toMatchObject({ cost: { EUR: 0 } });
    });
  });

  describe('a cost that only the answer tells', () => {
    test('is expected to be the largest that an answer of the operation named within a day', async () => {
      const [here, there] = [usageOn(store.usage), usageOn((await stores.open()).usage)];
      price = { metered: 'EUR' };
      for (const amount of [3, 7, 5]) here.completed(await judged(here, 'allow'), eur(amount));
      await here.share();
      // Another agent, at another process.
      const other = call({ agent: 'mail-bot' });
      const long = await judged(there, 'allow', null, other);
      expect(seen(there, other).agent.day).toMatchObject({ cost: { EUR: 7 } });
      there.completed(long, eur(2));
      expect(seen(there, other).agent.day).toMatchObject({ cost: { EUR: 2 } });
      stores.now += 25 * HOUR;
      await judged(there, 'allow', null, other);
      expect(seen(there, other).agent.day).toMatchObject({ cost: {} });
    });

    test('is expected to be at least what policy or the price list say', async () => {
      const usage = usageOn(store.usage);
      price = { metered: 'EUR', fixed: eur(4) };
      usage.completed(await judged(usage, 'allow'), eur(1));
      const next = await judged(usage, 'allow');
      expect(seen(usage).agent.day).toMatchObject({ cost: { EUR: 5 } });
      usage.completed(next, eur(6));
      await judged(usage, 'allow', eur(5));
      expect(seen(usage).agent.day).toMatchObject({ cost: { EUR: 13 } });
    });

    test('is known to the other processes at once if it is more than expected', async () => {
      const [here, there] = [usageOn(store.usage), usageOn((await stores.open()).usage)];
      price = { metered: 'EUR', fixed: eur(1) };
      here.completed(await judged(here, 'allow'), eur(50));
      await expect
        .poll(async () => {
          await there.share();
          return seen(there).agent.day;
        })
        .toMatchObject({ cost: { EUR: 50 } });
    });
  });

  describe('usage shared by several processes on one store', () => {
    test('each process judges by the counts of all, and counts nothing twice', async () => {
      const [a, b] = [usageOn(store.usage), usageOn((await stores.open()).usage)];
      for (let round = 1; round <= 3; round++) {
        await judged(a, 'allow', eur(1.5));
        await judged(b, 'block');
        const both = { calls: 2 * round, blocked: round, held: 0, cost: { EUR: 1.5 * round } };
        expect(seen(b).agent.day).toEqual(both);
        await a.share();
        expect(seen(a).agent.day).toEqual(both);
      }
    });

    test('calls that are judged at once never see the same budget', async () => {
      const processes = [usageOn(store.usage), usageOn((await stores.open()).usage)];
      says = { verdict: 'allow', cost: eur(1) };
      const calls = Array.from({ length: 100 }, () => call());
      await Promise.all(calls.map((each, n) => processes[n % 2]!.judge(each)));
      const spent = calls.map(({ input }) => (JSON.parse(inputText(input)) as { usage: Seen }).usage.agent.day);
      const costs = spent.map((day) => (day as { cost: { EUR?: number } }).cost.EUR ?? 0);
      expect(costs.toSorted((one, other) => one - other)).toEqual(calls.map((_, n) => n));
    });

    test('a count made during an exchange is neither lost nor doubled', async () => {
      const a = usageOn(store.usage);
      const slow = await judged(a, 'allow', eur(5));
      const judging = judged(a, 'allow');
      a.completed(slow, eur(3));
      await judging;
      expect(seen(a).agent.day).toMatchObject({ calls: 2, cost: { EUR: 3 } });
      for (let time = 0; time < 2; time++) await a.share();
      expect(seen(a).agent.day).toMatchObject({ calls: 2, cost: { EUR: 3 } });
      const b = usageOn(store.usage);
      expect(seen(b).agent.day).toMatchObject({ calls: 0 });
      await b.share();
      expect(seen(b).agent.day).toMatchObject({ calls: 2, cost: { EUR: 3 } });
    });

    test('a process that starts later knows the day so far, with what a killed one had reserved', async () => {
      await judged(usageOn(store.usage), 'allow', eur(4));
      stores.now += 2 * HOUR;
      const after = usageOn(store.usage);
      await after.share();
      expect(seen(after).agent).toMatchObject({ hour: { calls: 0 }, day: { calls: 1, cost: { EUR: 4 } } });
    });

    describe('while the store is unavailable', () => {
      let away: 'no' | 'before' | 'during' | 'after';
      const flaky = (): UsageStore => ({
        async exchange(since, work) {
          if (away === 'before') throw new Error('away');
          const at = await store.usage.exchange(since, (totals) => {
            const counts = work(totals);
            if (away === 'during') throw new Error('away');
            return counts;
          });
          if (away === 'after') throw new Error('away');
          return at;
        },
        totals: (since) => (away === 'no' ? store.usage.totals(since) : Promise.reject(new Error('away'))),
      });
      const all = async () => {
        const other = usageOn(store.usage);
        await other.share();
        return seen(other).agent.day;
      };
      beforeEach(() => {
        away = 'no';
      });

      test('no call is allowed by usage, and none is counted as allowed', async () => {
        const usage = usageOn(flaky());
        await judged(usage, 'allow', eur(1));
        for (const when of ['before', 'after'] as const) {
          away = when;
          await expect(judged(usage, 'allow', eur(1))).rejects.toThrow('away');
        }
        expect(seen(usage).agent.day).toMatchObject({ calls: 1, cost: { EUR: 1 } });
      });

      test('policy is told that usage is stale, and may block', async () => {
        const usage = usageOn(flaky());
        away = 'before';
        const told = await judged(usage, 'block');
        expect((JSON.parse(inputText(told.input)) as { usage: Seen }).usage.stale).toBe(true);
        away = 'no';
        const again = await judged(usage, 'block');
        expect((JSON.parse(inputText(again.input)) as { usage: Seen }).usage).toMatchObject({
          stale: false,
          agent: { day: { blocked: 1 } },
        });
        expect(await all()).toMatchObject({ calls: 2, blocked: 2 });
      });

      test('a call that policy allowed first, and stops because the commit failed, takes nothing off the budget', async () => {
        const usage = usageOn(flaky());
        await judged(usage, 'allow', eur(10));
        away = 'during';
        saysWhenStale = 'block';
        usage.completed(await judged(usage, 'allow', eur(4)), null);
        const held = {
          input: inputText(call().input),
          digest: null,
          isSent: ({ verdict }: Decision) => verdict === 'allow',
        };
        (await usage.judgeAgain(held)).settle(null);
        expect(seen(usage).agent.day).toMatchObject({ cost: { EUR: 10 } });
      });

      test('no held call is sent by usage, whatever policy says of it', async () => {
        const usage = usageOn(flaky());
        away = 'before';
        says = { verdict: 'hold', cost: eur(1) };
        const approved = usage.judgeAgain({ input: inputText(call().input), digest: null, isSent: () => true });
        await expect(approved).rejects.toThrow('away');
      });

      test('what was settled meanwhile reaches the store afterwards', async () => {
        const usage = usageOn(flaky());
        const one = await judged(usage, 'allow', eur(10));
        away = 'before';
        usage.completed(one, null);
        await expect(usage.share()).rejects.toThrow('away');
        away = 'no';
        await usage.share();
        expect(await all()).toMatchObject({ cost: { EUR: 0 } });
      });

      test('a commit of which nobody knows whether it happened never makes a budget look less used', async () => {
        const usage = usageOn(flaky());
        const [one, two] = [await judged(usage, 'allow', eur(10)), await judged(usage, 'allow', eur(10))];
        usage.completed(one, null);
        away = 'after';
        await expect(judged(usage, 'allow', eur(4))).rejects.toThrow('away');
        away = 'no';
        await usage.share();
        usage.completed(two, eur(10));
        await usage.share();
        const { cost } = (await all()) as { cost: { EUR: number } };
        expect(cost.EUR).toBeGreaterThanOrEqual(10);
        expect(seen(usage).agent.day).toMatchObject({ cost });
      });
    });

    test('rows that no window covers any more are deleted', async () => {
      await judged(usageOn(store.usage), 'allow');
      await store.prune(stores.now);
      expect((await store.usage.totals(0)).counts.length).toBe(9);
      stores.now += 25 * HOUR;
      await store.prune(stores.now);
      stores.now -= 25 * HOUR;
      expect((await store.usage.totals(0)).counts).toEqual([]);
    });
  });

  test('an input that is judged again gets the current usage, whatever its body says', async () => {
    const usage = usageOn(store.usage);
    const tricky = call({ body: '{"x":1,"usage":{"agent":{"day":{"calls":0}}}}' });
    const input = inputText(tricky.input);
    await judged(usage, 'hold', null, tricky);
    const again = JSON.parse(usage.renewed(input, null)) as { action: object; usage: Seen };
    expect(again.usage.agent.day).toMatchObject({ held: 1 });
    expect(again.action).toEqual((JSON.parse(input) as { action: object }).action);
    expect(JSON.parse(usage.renewed(input, null))).toEqual(again);
    const { input: judgedAgain } = await usage.judgeAgain({ input, digest: null, isSent: () => false });
    expect(JSON.parse(judgedAgain)).toEqual(again);
  });

  test('nothing is counted, written or added to the input for a policy that does not read usage', async () => {
    const usage = usageOn(store.usage, () => false);
    const one = call();
    const input = inputText(one.input);
    says = { verdict: 'allow', cost: eur(1) };
    expect(usage.judge(one)).toBe(says);
    expect(one.input).toBe(input);
    expect(usage.renewed(input, 'digest')).toBe(input);
    await usage.share();
    expect((await store.usage.totals(0)).counts).toEqual([]);
  });

  test('a call does not wait for the store where only policy for other systems reads usage, but is counted', async () => {
    const usage = usageOn(store.usage, (system) => system === null);
    const one = call();
    says = { verdict: 'allow', cost: eur(1) };
    expect(usage.judge(one)).toBe(says);
    usage.completed(one, eur(2));
    await usage.share();
    const other = usageOn(store.usage);
    await other.share();
    expect(seen(other).agent.day).toMatchObject({ calls: 1, cost: { EUR: 2 } });
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
    const repeat = (usage: Usage, of = pay()) => {
      void usage.judge(of);
      return repeatIn(inputText(of.input));
    };
    const decided = (usage: Usage, of: Call, verdict: Decision['verdict']) =>
      usage.decided(of, { verdict } as Decision);

    test('identical calls that were allowed or released within the hour are counted, with the age of the last', () => {
      const usage = counting(store.usage);
      expect(repeat(usage)).toEqual({ count: 0 });
      decided(usage, pay(), 'block');
      decided(usage, pay(), 'hold');
      decided(usage, pay(2), 'allow');
      expect(repeat(usage)).toEqual({ count: 0 });
      decided(usage, pay(), 'allow');
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
      decided(here, pay(), 'allow');
      decided(there, pay(), 'allow');
      for (const usage of [here, there, here]) await usage.share();
      stores.now += 5_000;
      for (const usage of [here, there]) expect(repeat(usage)).toEqual({ count: 2, age_s: 5 });
      const restarted = counting(store.usage);
      await restarted.share();
      expect(repeat(restarted)).toEqual({ count: 2, age_s: 5 });
    });

    test('a held call is judged again with what was sent meanwhile, and a resend with what was known at first', async () => {
      const usage = counting(store.usage);
      const first = pay();
      void usage.judge(first);
      decided(usage, pay(), 'allow');
      const again = async (input: string, digest: string | null) =>
        repeatIn((await usage.judgeAgain({ input, digest, isSent: () => true })).input);
      expect(await again(inputText(first.input), '{"amount":1}')).toEqual({ count: 1, age_s: 0 });
      expect(await again(inputText(pay().input), '{"amount":1}')).toEqual({ count: 1, age_s: 0 });
      expect(await again(inputText(first.input), null)).toEqual({ count: 0 });
    });

    test('the rest of the input stays as it was, whatever the call says', () => {
      const usage = counting(store.usage);
      const tricky = call({ agent: 'x","action":{"repeat":{"count":9},"', body: '{"action":{"repeat":{"count":9}}}' });
      const before = JSON.parse(inputText(tricky.input)) as { action: object };
      void usage.judge(tricky);
      const judged = JSON.parse(inputText(tricky.input)) as { action: { repeat?: Repeat } };
      expect(judged).toEqual({ ...before, action: { ...before.action, repeat: { count: 0 } } });
    });

    test('only so many different calls are remembered, and the oldest is forgotten first', () => {
      const usage = counting(store.usage);
      for (let n = 0; n <= 20_000; n++) decided(usage, pay(n), 'allow');
      expect(repeat(usage, pay(0))).toEqual({ count: 0 });
      expect(repeat(usage, pay(1))).toEqual({ count: 1, age_s: 0 });
    });
  });

  test('any number of counts can be added to the store at once, as after a long outage', async () => {
    let added = 0;
    const counting: UsageStore = {
      async exchange(since, work) {
        added += work([]).length;
        return since + 1;
      },
      totals: async (since) => ({ counts: [], at: since + 1 }),
    };
    const usage = usageOn(counting, (system) => system === null);
    for (let n = 0; n < 9_000; n++) {
      const of = call({ operation: `GET /${n}` });
      for (const unit of ['A', 'B', 'C', 'D', 'E']) {
        says = { verdict: 'allow', cost: { amount: 1, unit } };
        void usage.judge(of);
      }
    }
    await usage.share();
    expect(added).toBeGreaterThan(9_000 * 3 * 6);
  });

  test('what no window covers any more is not added to the store', async () => {
    const usage = usageOn(store.usage, (system) => system === null);
    await judged(usage, 'allow', eur(1));
    stores.now += 2 * MINUTE;
    await judged(usage, 'block');
    await usage.share();
    stores.now -= 2 * MINUTE;
    const { counts } = await store.usage.totals(0);
    expect(counts.filter(({ window, measure }) => window === 'minute' && measure === 'cost:EUR')).toEqual([]);
    expect(counts.filter(({ window, measure }) => window === 'hour' && measure === 'cost:EUR')).toHaveLength(3);
  });

  test('operations beyond the limit share one count, so that made-up paths take no memory', async () => {
    const usage = usageOn(store.usage);
    says = { verdict: 'block', cost: null };
    await Promise.all(Array.from({ length: 10_000 }, (_, n) => usage.judge(call({ operation: `GET /${n}` }))));
    const { operation } = seen(usage, call({ operation: 'GET /another' }));
    expect((operation.day as { calls: number }).calls).toBeGreaterThan(0);
  });
});
