import { isRefusal } from '../../gateway/domain/hold-command.ts';
import { openHoldStore } from '../../gateway/holds/store/store.ts';
import { draft, KEY, reviewer } from '../../test/helpers/hold.ts';
import { countFailures, percentiles } from './figures.ts';
import type { Failures, Percentiles } from './figures.ts';

/**
 * Holds opened and decided by the store alone, in a process of its own: each of some callers opens a hold, approves it
 * and begins again. As in a gateway, one subscriber watches all changes.
 *
 * Runs as `node store-rate.ts JOB`, JOB a `StoreRateJob` as JSON; prints a `StoreRate` as JSON.
 */
export type StoreRateJob = {
  readonly at: { readonly file: string } | { readonly url: string };
  readonly callers: number;
  readonly warmSeconds: number;
  readonly seconds: number;
};

export type StoreRate = {
  readonly perSecond: number;
  /** Milliseconds. */
  readonly opening: Percentiles;
  readonly deciding: Percentiles;
  /** CPU of this process for one hold opened and decided, in microseconds. */
  readonly cpuMicros: number;
  readonly failures: Failures;
};

const GROUP = ['ana', 'ben', 'cleo', 'dan', 'eve'].map((name) => reviewer(`${name}.finance`));

async function storeRate({ at, callers, warmSeconds, seconds }: StoreRateJob): Promise<StoreRate> {
  const store = await openHoldStore({ ...at, key: KEY, node: 'bench', reviewers: GROUP, compose: () => [] });
  const unwatch = store.holds.watch(() => {});
  const failures: string[] = [];
  let opening: number[] = [];
  let deciding: number[] = [];
  let number = 0;

  async function caller(until: number): Promise<void> {
    while (performance.now() < until) {
      number += 1;
      const by = GROUP[number % GROUP.length]!;
      const asked = draft(number);
      const begun = performance.now();
      const { hold } = await store.holds.open(asked);
      const opened = performance.now();
      const vote = { type: 'approve', by, channel: 'api', revision: 1, note: null, seenAt: null, grant: null } as const;
      const decided = await store.holds.apply(hold.id, vote);
      if (isRefusal(decided)) {
        failures.push(decided.refused);
        continue;
      }
      opening.push(opened - begun);
      deciding.push(performance.now() - opened);
    }
  }
  const together = async (span: number): Promise<void> => {
    const until = performance.now() + span * 1000;
    await Promise.all(Array.from({ length: callers }, () => caller(until)));
  };

  await together(warmSeconds);
  [opening, deciding] = [[], []];
  const cpu = process.cpuUsage();
  const since = performance.now();
  await together(seconds);
  const took = performance.now() - since;
  const { user, system } = process.cpuUsage(cpu);
  unwatch();
  await store.close();
  return {
    perSecond: (opening.length * 1000) / took,
    opening: percentiles(opening),
    deciding: percentiles(deciding),
    cpuMicros: (user + system) / opening.length,
    failures: countFailures(failures),
  };
}

process.stdout.write(JSON.stringify(await storeRate(JSON.parse(process.argv[2] ?? '') as StoreRateJob)));
process.exit(0);
