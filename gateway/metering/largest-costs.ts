import type { Cost } from '../domain/cost.ts';
import { USAGE_WINDOWS, type UsageCount, type UsageMeasure } from '../domain/usage.ts';

const { span: SPAN, bucket: BUCKET } = USAGE_WINDOWS.largest;

/** `amount`: as far as it is known here; `stored`: in the store. */
type Cell = { amount: number; stored: number };

/**
 * The largest costs that answers of one operation named within the last day, by unit. A call of which only the answer
 * tells the cost is expected to cost no more.
 */
export class LargestCosts {
  readonly #buckets = new Map<number, Map<UsageMeasure, Cell>>();

  /** Whether this was more than was known. @param at milliseconds since the epoch */
  raise(at: number, { amount, unit }: Cost): boolean {
    const cell = this.#cell(at - (at % BUCKET), `cost:${unit}`);
    if (amount <= cell.amount) return false;
    cell.amount = amount;
    return true;
  }

  /** The largest amount of a unit; 0 if there is none. */
  of(unit: string, now: number): number {
    let largest = 0;
    for (const [bucket, cells] of this.#buckets) {
      if (!isOver(bucket, now)) largest = Math.max(largest, cells.get(`cost:${unit}`)?.amount ?? 0);
    }
    return largest;
  }

  /** The amounts that are larger than those in the store: there, the larger one stays. */
  pending(subject: string): UsageCount[] {
    const counts: UsageCount[] = [];
    for (const [bucket, cells] of this.#buckets) {
      for (const [measure, { amount, stored }] of cells) {
        if (amount > stored) counts.push({ subject, window: 'largest', bucket, measure, amount });
      }
    }
    return counts;
  }

  settle({ bucket, measure, amount }: UsageCount): void {
    const cell = this.#cell(bucket, measure);
    cell.stored = amount;
    cell.amount = Math.max(cell.amount, amount);
  }

  added(count: UsageCount): void {
    this.settle(count);
  }

  /** Amounts are never negative, and storing one again changes nothing. */
  withdraw(): void {}

  isEmpty(now: number): boolean {
    for (const bucket of this.#buckets.keys()) if (isOver(bucket, now)) this.#buckets.delete(bucket);
    return this.#buckets.size === 0;
  }

  #cell(bucket: number, measure: UsageMeasure): Cell {
    let cells = this.#buckets.get(bucket);
    if (cells === undefined) this.#buckets.set(bucket, (cells = new Map()));
    let cell = cells.get(measure);
    if (cell === undefined) cells.set(measure, (cell = { amount: 0, stored: 0 }));
    return cell;
  }
}

function isOver(bucket: number, now: number): boolean {
  return bucket + BUCKET <= now - SPAN;
}
