import { FACTS } from './facts.ts';
import type { Operation } from './operations.ts';
import type { Random } from './random.ts';
import type { Story } from './story.ts';

const { outage, drift } = FACTS;

export const within = (at: number, { from, to }: { readonly from: number; readonly to: number }): boolean =>
  at >= from && at < to;

/** The answer of a system. `code` is the gateway's word for it if there was none. */
export type Answer = Pick<Story, 'executed' | 'upstreamMs' | 'failure'> & {
  readonly status: number;
  readonly code: string | null;
};

/** The system's answer to a call that reaches it at `at`. */
export function answer(random: Random, at: number, operation: Operation): Answer {
  const upstreamMs = Math.max(1, Math.round(random.around(operation.upstreamMs, 0.45)));
  if (operation.system === outage.system && within(at, outage)) {
    const [status, code] = random.next() < 0.7 ? [502, 'upstream-unreachable'] : [504, 'upstream-timeout'];
    return { executed: false, upstreamMs: null, failure: 'system-failed', status, code };
  }
  const luck = random.next();
  if (luck < 0.004) return { executed: false, upstreamMs, failure: 'system-failed', status: 503, code: null };
  if (luck < 0.014)
    return { executed: false, upstreamMs, failure: null, status: random.pick([404, 409, 422]), code: null };
  const status = operation.method === 'POST' && luck < 0.5 ? 201 : 200;
  return { executed: true, upstreamMs, failure: null, status, code: null };
}

/** The cost named by the answer; money in hundredths of a cent, since prices of single calls are small. */
export function costOf(random: Random, { price }: Operation): Story['cost'] {
  if (!price) return null;
  const { unit, median, spread } = price;
  const amount = spread === undefined ? median : random.around(median, spread);
  return { amount: unit === 'EUR' ? Math.round(amount * 10_000) / 10_000 : Math.round(amount), unit };
}

/** Whether the answer contradicts what was decided. */
export function drifts(random: Random, { executed }: Answer, { system, name }: Operation): boolean {
  return executed && system === drift.system && name === drift.operation && random.next() < 0.08;
}
