import type { Clock } from '../domain/clock.ts';
import type { Cost } from '../domain/cost.ts';
import type { Spender, UsageCount, UsageMeasure, UsageStore, UsageWindow } from '../domain/usage.ts';
import { LargestCosts } from './largest-costs.ts';
import { createRepeats } from './repeats.ts';
import { Window } from './usage-window.ts';

/** Most subjects counted. An agent can invent any number of paths: beyond the limit, operations share one subject. */
const SUBJECTS = 10_000;

/** Milliseconds between two removals of empty subjects. A removal reads every bucket of every subject. */
const SWEEP_EVERY = 60_000;

/** What is counted in one window of one subject. */
type Counted = Pick<Window, 'pending' | 'added' | 'withdraw' | 'settle' | 'isEmpty'>;
type Subject = { readonly key: string; readonly windows: Readonly<Partial<Record<UsageWindow, Counted>>> };
type Spending = {
  readonly key: string;
  readonly windows: Readonly<Record<Span, Window>> & { readonly largest: LargestCosts };
};

type Span = 'minute' | 'hour' | 'day';
const SPANS: readonly Span[] = ['minute', 'hour', 'day'];

/** A count that can be taken back. */
type Made = { readonly window: Window; readonly at: number; readonly measure: UsageMeasure; readonly amount: number };
type Pending = { readonly window: Counted; readonly count: UsageCount };

export type SharedCounts = {
  /** @param at milliseconds since the epoch; the count leaves each window with this moment */
  count(spender: Spender, at: number, measure: UsageMeasure, amount: number): void;
  /** Counts one call of this digest. */
  countCall(digest: string, at: number): void;
  /** An answer named this cost. */
  named(spender: Spender, at: number, cost: Cost): void;
  /** The largest cost in this unit that answers of the operation named within the last day; 0 without any. */
  largest(spender: Spender, unit: string): number;
  /** `input.usage` as JSON text. */
  usageText(spender: Spender, stale: boolean): string;
  /** `input.usage.agent.day` as JSON text. Unlike `usageText`, it remembers no agent that has used nothing. */
  agentDayText(agent: string): string;
  /** `input.action.repeat` as JSON text. */
  repeatText(digest: string): string;
  /**
   * Does `works` with the counts of all processes, alone among them, and adds what they count to the store. If it
   * rejects, none of what they counted is counted here.
   * @throws Problem `store-unavailable`
   */
  exchange(works: readonly (() => void)[]): Promise<void>;
  /** Adds what was counted meanwhile to the store, if anything was, and reads what others counted. @throws as `exchange` */
  share(): Promise<void>;
  /** Milliseconds since this process last knew the counts of all. */
  readonly age: number;
};

/**
 * The counts of this process, and those of the others on the same store as far as they are known. `exchange` and `share`
 * must not overlap.
 */
export function createSharedCounts({
  store,
  clock,
}: {
  readonly store: UsageStore;
  readonly clock: Clock;
}): SharedCounts {
  const subjects = new Map<string, Spending>();
  const repeats = createRepeats();
  /** Subjects with counts that are not in the store; there may be thousands of others. */
  let touched = new Set<Subject>();
  /** The counts of the work that is being done in an exchange. */
  let made: Made[] | null = null;
  let sweptAt = -Infinity;
  let since = 0;
  let knownAt = -Infinity;

  function subject(key: string, shared = key): Spending {
    let found = subjects.get(key);
    if (found === undefined && subjects.size >= SUBJECTS) found = subjects.get((key = shared));
    if (found === undefined) {
      const [minute, hour, day] = [new Window('minute'), new Window('hour'), new Window('day')];
      found = { key, windows: { minute, hour, day, largest: new LargestCosts() } };
      subjects.set(key, found);
    }
    return found;
  }

  const ofAgent = ({ agent }: Spender) => subject(`agent:${agent}`);
  const ofOwner = ({ owner }: Spender) => subject(`owner:${owner}`);
  const ofOperation = ({ system, operation }: Spender) =>
    subject(`operation:${system}/${operation}`, `operation:${system}/*`);

  function text({ windows: { minute, hour, day } }: Spending, now: number): string {
    return `{"minute":${minute.text(now)},"hour":${hour.text(now)},"day":${day.text(now)}}`;
  }

  function settle(totals: readonly UsageCount[]): void {
    for (const total of totals) {
      const { windows }: Subject = total.window === 'repeat' ? repeats.of(total.subject) : subject(total.subject);
      windows[total.window]?.settle(total);
    }
  }

  function pendingOf(some: ReadonlySet<Subject>): Pending[] {
    return [...some].flatMap(({ key, windows }) =>
      Object.values(windows).flatMap((window) => window.pending(key).map((count) => ({ window, count }))),
    );
  }

  function known(at: number): void {
    since = at;
    knownAt = clock();
    if (knownAt - sweptAt < SWEEP_EVERY) return;
    sweptAt = knownAt;
    for (const [key, { windows }] of subjects) {
      if (Object.values(windows).every((window) => window.isEmpty(knownAt))) subjects.delete(key);
    }
    repeats.sweep(knownAt);
  }

  async function look(): Promise<void> {
    const { counts, at } = await store.totals(since);
    settle(counts);
    known(at);
  }

  async function exchange(works: readonly (() => void)[]): Promise<void> {
    // The counts of a whole day are read before others have to wait for this process.
    if (since === 0) await look();
    let adding = new Set<Subject>();
    let pending: Pending[] = [];
    const done: Made[] = [];
    try {
      const at = await store.exchange(since, (totals) => {
        settle(totals);
        made = done;
        try {
          for (const work of works) work();
        } finally {
          made = null;
        }
        adding = touched;
        touched = new Set();
        pending = pendingOf(adding);
        return pending.map(({ count }) => count);
      });
      for (const { window, count } of pending) window.added(count);
      known(at);
    } catch (error) {
      // It may have been committed all the same. What would lower a total again if it were added twice is forgotten: a
      // budget may look more used than it is, but never less.
      for (const { window, count } of pending) if (count.amount < 0) window.withdraw(count);
      for (const { window, at, measure, amount } of done) window.count(at, measure, -amount);
      touched = touched.union(adding);
      throw error;
    }
  }

  return {
    count(spender, at, measure, amount) {
      for (const one of [ofAgent(spender), ofOwner(spender), ofOperation(spender)]) {
        touched.add(one);
        for (const span of SPANS) {
          const window = one.windows[span];
          window.count(at, measure, amount);
          made?.push({ window, at, measure, amount });
        }
      }
    },
    countCall(digest, at) {
      const one = repeats.ofCall(digest);
      one.windows.repeat.count(at, 'calls', 1);
      touched.add(one);
    },
    named(spender, at, cost) {
      const one = ofOperation(spender);
      if (one.windows.largest.raise(at, cost)) touched.add(one);
    },
    largest: (spender, unit) => ofOperation(spender).windows.largest.of(unit, clock()),
    usageText(spender, stale) {
      const now = clock();
      const [agent, owner, operation] = [ofAgent(spender), ofOwner(spender), ofOperation(spender)];
      return `{"agent":${text(agent, now)},"owner":${text(owner, now)},"operation":${text(operation, now)},"stale":${stale}}`;
    },
    agentDayText: (agent) => (subjects.get(`agent:${agent}`)?.windows.day ?? new Window('day')).text(clock()),
    repeatText: (digest) => repeats.text(digest, clock()),
    exchange,
    async share() {
      if (touched.size > 0) await exchange([]);
      else await look();
    },
    get age() {
      return clock() - knownAt;
    },
  };
}
