import type { Call } from '../domain/call.ts';
import type { Clock } from '../domain/clock.ts';
import type { Cost } from '../domain/cost.ts';
import { spenderOf, withoutUsage, withUsage } from '../domain/policy-input.ts';
import type { Spender, UsageMeasure, UsageMeter, UsageStore, UsageWindow } from '../domain/usage.ts';
import { Window } from './usage-window.ts';

/** Milliseconds between two exchanges with the store. A count of another process arrives after two at most. */
const USAGE_INTERVAL = 500;
/** Milliseconds without an exchange after which policy is told that counts are stale. */
const USAGE_STALE = 5_000;
/** Milliseconds that the last exchange may take. */
const STOP_LIMIT = 1_000;
/** Most subjects counted. An agent can invent any number of paths: beyond the limit, operations share one subject. */
const SUBJECTS = 10_000;

/** Exchanges between two removals of empty subjects. A removal reads every bucket of every subject. */
const SWEEP_EVERY = 120;

type Subject = Readonly<Record<UsageWindow, Window>> & { readonly key: string };

export type Usage = UsageMeter & {
  /** The call with the current `usage` in its policy input. */
  judged(call: Call): Call;
  /** An input that was judged before, with its `usage` replaced by the current one. */
  judgedAgain(input: string): string;
  /** Counts the cost of a released call. */
  spent(spender: Spender, cost: Cost): void;
  /** Exchanges counts with the store once. @throws Problem `store-unavailable` */
  exchange(): Promise<void>;
  start(): void;
  /** Adds the remaining counts to the store, if it can be reached. */
  stop(): Promise<void>;
};

const SPANS: readonly UsageWindow[] = ['minute', 'hour', 'day'];

/**
 * Counts the usage of agents, owners and operations, over all processes and gateways on one store. Own counts are known
 * at once; counts of other processes within a second, while the store answers.
 *
 * @param wanted whether the policy in force reads `usage`; if not, nothing is counted, written or read
 */
export function createUsage(deps: {
  readonly store: UsageStore;
  readonly wanted: () => boolean;
  readonly clock: Clock;
  readonly failed: (error: unknown) => void;
}): Usage {
  const { store, wanted, clock, failed } = deps;
  const subjects = new Map<string, Subject>();
  /**
   * Allowed calls that were counted. A call that could not be recorded, or came while usage was not `wanted`, was not.
   */
  const counted = new WeakSet<Call>();
  /** Subjects with counts since the last exchange; there may be thousands of others. */
  let touched = new Set<Subject>();
  let exchanges = 0;
  let since = 0;
  let exchangedAt = 0;
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;
  let failing = false;
  let running: Promise<void> = Promise.resolve();

  function subject(key: string, shared = key): Subject {
    let found = subjects.get(key);
    if (found === undefined && subjects.size >= SUBJECTS) found = subjects.get((key = shared));
    if (found === undefined) {
      found = { key, minute: new Window('minute'), hour: new Window('hour'), day: new Window('day') };
      subjects.set(key, found);
    }
    return found;
  }

  function of({ agent, owner, system, operation }: Spender): readonly [Subject, Subject, Subject] {
    return [
      subject(`agent:${agent}`),
      subject(`owner:${owner}`),
      subject(`operation:${system}/${operation}`, `operation:${system}/*`),
    ];
  }

  function count(spender: Spender, at: number, measure: UsageMeasure, amount: number): void {
    for (const one of of(spender)) {
      touched.add(one);
      for (const span of SPANS) one[span].count(at, measure, amount);
    }
  }

  function text(one: Subject, now: number): string {
    return `{"minute":${one.minute.text(now)},"hour":${one.hour.text(now)},"day":${one.day.text(now)}}`;
  }

  async function once(): Promise<void> {
    const adding = touched;
    touched = new Set();
    const counts = [...adding].flatMap((one) => SPANS.flatMap((span) => one[span].pending(one.key)));
    try {
      if (counts.length > 0) await store.add(counts);
    } catch (error) {
      touched = touched.union(adding);
      throw error;
    }
    for (const each of counts) subjects.get(each.subject)?.[each.window].added(each);
    const { counts: totals, at } = await store.totals(since);
    for (const each of totals) subject(each.subject)[each.window].settle(each);
    since = at;
    exchangedAt = clock();
    if (++exchanges % SWEEP_EVERY !== 0) return;
    for (const [key, one] of subjects) if (SPANS.every((span) => one[span].isEmpty(exchangedAt))) subjects.delete(key);
  }

  /** `usage` as JSON text. */
  function textOf(spender: Spender): string {
    const now = clock();
    const [agent, owner, operation] = of(spender).map((one) => text(one, now));
    const stale = now - exchangedAt > USAGE_STALE;
    return `{"agent":${agent},"owner":${owner},"operation":${operation},"stale":${stale}}`;
  }

  /** Exchanges run one after another: two at once would add the same counts twice. */
  function exchange(): Promise<void> {
    const next = running.then(once);
    running = next.catch(() => {});
    return next;
  }

  function schedule(): void {
    if (stopped) return;
    timer = setTimeout(() => void attempt().finally(schedule), USAGE_INTERVAL).unref();
  }

  /** Reports the first failure of an outage only. */
  async function attempt(): Promise<void> {
    try {
      if (wanted()) await exchange();
      failing = false;
    } catch (error) {
      if (!failing) failed(error);
      failing = true;
    }
  }

  return {
    judged(call) {
      if (!wanted()) return call;
      const text = textOf(spenderOfCall(call));
      const otherReadings = call.otherReadings.map((reading) => withUsage(reading, text));
      return { ...call, input: withUsage(call.input, text), otherReadings };
    },
    judgedAgain(input) {
      if (!wanted()) return input;
      const { hasUsage, ...spender } = spenderOf(input);
      return withUsage(hasUsage ? withoutUsage(input) : input, textOf(spender));
    },
    // All counts of a call carry its time of arrival, so that a correction leaves the window with the count it
    // corrects.
    decided(call, { verdict, cost }) {
      if (!wanted()) return;
      const [spender, at] = [spenderOfCall(call), call.receivedAt];
      count(spender, at, 'calls', 1);
      if (verdict === 'block') count(spender, at, 'blocked', 1);
      if (verdict === 'hold') count(spender, at, 'held', 1);
      if (verdict !== 'allow') return;
      counted.add(call);
      if (cost) count(spender, at, `cost:${cost.unit}`, cost.amount);
    },
    completed(call, { cost: expected }, cost) {
      if (!counted.has(call)) return;
      const [spender, at] = [spenderOfCall(call), call.receivedAt];
      const same = cost?.unit === expected?.unit && cost?.amount === expected?.amount;
      if (expected && !same) count(spender, at, `cost:${expected.unit}`, -expected.amount);
      if (cost && !same) count(spender, at, `cost:${cost.unit}`, cost.amount);
    },
    spent(spender, { amount, unit }) {
      if (wanted()) count(spender, clock(), `cost:${unit}`, amount);
    },
    exchange,
    start: schedule,
    async stop() {
      stopped = true;
      if (timer) clearTimeout(timer);
      // A store that hangs must not keep the process from ending. A crash would lose the same half second of counts.
      const late = new Promise<void>((resolve) => setTimeout(resolve, STOP_LIMIT).unref());
      await Promise.race([attempt(), late]);
    },
  };
}

function spenderOfCall({ principal, system, operation }: Pick<Call, 'principal' | 'system' | 'operation'>): Spender {
  return { agent: principal.agent, owner: principal.owner, system, operation };
}
