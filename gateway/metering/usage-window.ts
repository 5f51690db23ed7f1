import { USAGE_WINDOWS, type UsageCount, type UsageMeasure, type UsageWindow } from '../domain/usage.ts';

/** What everybody has counted as far as known, what this process has counted beside it, and how much of that is added. */
type Cell = { stored: number; own: number; added: number };

/** Digits behind the point of a sum of costs: binary fractions would show otherwise. */
const DIGITS = 9;

/** One sliding window of one subject. */
export class Window {
  readonly #name: UsageWindow;
  readonly #span: number;
  readonly #size: number;
  readonly #buckets = new Map<number, Map<UsageMeasure, Cell>>();
  /** The sums as JSON, and until when they stay what they are if nothing is counted. */
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

  /** Takes over what the store says of a bucket; what was added to it is in there. */
  settle({ bucket, measure, amount }: UsageCount): void {
    const cell = this.#cell(bucket, measure);
    cell.stored = amount;
    cell.own -= cell.added;
    cell.added = 0;
    this.#text = null;
  }

  /** What is not added to the store yet. */
  pending(subject: string): UsageCount[] {
    const counts: UsageCount[] = [];
    for (const [bucket, cells] of this.#buckets) {
      for (const [measure, { own, added }] of cells) {
        if (own !== added) counts.push({ subject, window: this.#name, bucket, measure, amount: own - added });
      }
    }
    return counts;
  }

  /** So much of what was pending is in the store now. */
  added({ bucket, measure, amount }: UsageCount): void {
    this.#cell(bucket, measure).added += amount;
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

  /** Whether nothing is left in the window, and nothing to be added. */
  isEmpty(now: number): boolean {
    this.#expire(now);
    return this.#buckets.size === 0;
  }

  #expire(now: number): void {
    for (const [bucket, cells] of this.#buckets) {
      // What is not added to the store yet is still to be told.
      if (!this.#isOver(bucket, now)) continue;
      if ([...cells.values()].every(({ own, added }) => own === added)) this.#buckets.delete(bucket);
    }
  }

  #write(now: number): string {
    const sums: Record<string, number> = { calls: 0, blocked: 0, held: 0 };
    // Without a prototype: a unit may be named as anything.
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
