import { USAGE_WINDOWS, type UsageCount, type UsageMeasure, type UsageWindow } from '../domain/usage.ts';

/**
 * A count: `stored` by all processes as last read, `own` by this process on top, and `added`, the part of `own` in the
 * store.
 */
type Cell = { stored: number; own: number; added: number };

/** Decimals of a sum of costs; more would show binary fractions. */
const DIGITS = 9;

/** One sliding window of one subject. */
export class Window {
  readonly #name: UsageWindow;
  readonly #span: number;
  readonly #size: number;
  readonly #buckets = new Map<number, Map<UsageMeasure, Cell>>();
  /** The sums as JSON, valid until `#until` unless something is counted. */
  #text: string | null = null;
  #until = 0;

  constructor(name: UsageWindow) {
    this.#name = name;
    this.#span = USAGE_WINDOWS[name].span;
    this.#size = USAGE_WINDOWS[name].bucket;
  }

  count(now: number, measure: UsageMeasure, amount: number): void {
    this.#cell(this.#startOf(now), measure).own += amount;
    this.#text = null;
  }

  /** Takes the store's total of a bucket, which includes what this process has added. */
  settle({ bucket, measure, amount }: UsageCount): void {
    const cell = this.#cell(bucket, measure);
    cell.stored = amount;
    cell.own -= cell.added;
    cell.added = 0;
    this.#text = null;
  }

  /** The counts that are not in the store yet. */
  pending(subject: string): UsageCount[] {
    const counts: UsageCount[] = [];
    for (const [bucket, cells] of this.#buckets) {
      for (const [measure, { own, added }] of cells) {
        if (own !== added) counts.push({ subject, window: this.#name, bucket, measure, amount: own - added });
      }
    }
    return counts;
  }

  /** Notes that this part of the pending counts is now in the store. */
  added({ bucket, measure, amount }: UsageCount): void {
    const cell = this.#buckets.get(bucket)?.get(measure);
    if (cell) cell.added += amount;
  }

  /** Takes back a part of the pending counts. */
  withdraw({ bucket, measure, amount }: UsageCount): void {
    if (this.#buckets.has(bucket)) this.count(bucket, measure, -amount);
  }

  /** `{"calls":3,"blocked":0,"held":1,"cost":{"EUR":1.5}}` */
  text(now: number): string {
    if (this.#text === null || now >= this.#until) {
      this.#expire(now);
      this.#text = this.#write(now);
      this.#until = this.#startOf(now) + this.#size;
    }
    return this.#text;
  }

  /** How many calls there were, and the bucket of the last one; null if there were none. */
  calls(now: number): { readonly count: number; readonly last: number } | null {
    let [sum, last] = [0, 0];
    for (const [bucket, cells] of this.#buckets) {
      const calls = cells.get('calls');
      if (!calls || this.#isOver(bucket, now)) continue;
      sum += calls.stored + calls.own;
      last = Math.max(last, bucket);
    }
    return sum > 0 ? { count: sum, last } : null;
  }

  /** Whether nothing is left in the window. */
  isEmpty(now: number): boolean {
    this.#expire(now);
    return this.#buckets.size === 0;
  }

  #expire(now: number): void {
    // Also what is not in the store yet: no window of any process covers it any more.
    for (const bucket of this.#buckets.keys()) if (this.#isOver(bucket, now)) this.#buckets.delete(bucket);
  }

  #write(now: number): string {
    const sums: Record<string, number> = { calls: 0, blocked: 0, held: 0 };
    // Prototype pollution: a unit may have any name, so the object has no prototype.
    const costs = Object.create(null) as Record<string, number>;
    for (const [bucket, cells] of this.#buckets) {
      if (this.#isOver(bucket, now)) continue;
      for (const [measure, { stored, own }] of cells) {
        if (measure.startsWith('cost:')) {
          const unit = measure.slice('cost:'.length);
          costs[unit] = (costs[unit] ?? 0) + stored + own;
        } else {
          sums[measure] = (sums[measure] ?? 0) + stored + own;
        }
      }
    }
    for (const unit in costs) costs[unit] = Number(costs[unit]!.toFixed(DIGITS));
    return JSON.stringify({ ...sums, cost: costs });
  }

  #isOver(bucket: number, now: number): boolean {
    return bucket + this.#size <= now - this.#span;
  }

  #startOf(time: number): number {
    return time - (time % this.#size);
  }

  #cell(bucket: number, measure: UsageMeasure): Cell {
    let cells = this.#buckets.get(bucket);
    if (cells === undefined) this.#buckets.set(bucket, (cells = new Map()));
    let cell = cells.get(measure);
    if (cell === undefined) cells.set(measure, (cell = { stored: 0, own: 0, added: 0 }));
    return cell;
  }
}
