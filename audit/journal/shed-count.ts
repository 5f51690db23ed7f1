/** Milliseconds between attempts to put a count on record. */
const INTERVAL = 100;

/** Counts events that were not recorded for lack of room, and has their number recorded once there is room. */
export class ShedCount {
  readonly #record: (count: number) => boolean;
  #total = 0;
  #unrecorded = 0;
  #timer: NodeJS.Timeout | null = null;

  /** @param record puts a count on record. @returns false when there is no room for that either */
  constructor(record: (count: number) => boolean) {
    this.#record = record;
  }

  get total(): number {
    return this.#total;
  }

  add(): void {
    this.#total += 1;
    this.#unrecorded += 1;
    this.#timer ??= setInterval(() => this.record(), INTERVAL).unref();
  }

  record(): void {
    const count = this.#unrecorded;
    if (count === 0 || !this.#record(count)) return;
    this.#unrecorded -= count;
    this.stop();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}
