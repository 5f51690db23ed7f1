import type { Hold } from '../../domain/hold.ts';
import type { HoldStore } from '../../domain/hold-store.ts';

/** What one remembers of a hold while one waits for it; those who wait may be thousands, and the rest is in the store. */
export type Glimpse = Pick<
  Hold,
  'id' | 'version' | 'status' | 'execution' | 'resendAt' | 'code' | 'note' | 'outcome' | 'rules'
>;

/** Who waits; told how it can be made to leave. */
export type Visitor = { onGone(leave: () => void): void };

export type WaitingRoom = {
  /**
   * Resolves as soon as `isOver` says so of the newest version of the hold that is known, with that: by default, when
   * nothing stands between the hold and its end but this caller. Resolves with what is known of it after `patience` ms,
   * when the visitor is gone, and at a drain. Never rejects: while the store is away one waits on.
   */
  wait(
    hold: Hold | Glimpse,
    patience: number,
    visitor: Visitor,
    isOver?: (latest: Glimpse) => boolean,
  ): Promise<Hold | Glimpse>;
  /** Sends everybody home, and whoever comes later. */
  drain(): void;
  readonly draining: boolean;
  readonly size: number;
};

/** A hold that could not be read is read again after so many milliseconds. */
const RETRY = 1_000;
/** The most that a timer of Node takes; with more it would fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** The callers of one hold. */
type Bench = { latest: Hold | Glimpse; readonly seats: Set<Seat> };

/**
 * Where the callers of held calls wait. A waiting caller is a socket, a timer and an entry here; the call is in the store.
 * The store is asked once for each hold, however many wait for it, and nobody asks it on leaving.
 */
export function createWaitingRoom(store: Pick<HoldStore, 'watch' | 'find'>): WaitingRoom {
  const benches = new Map<string, Bench>();
  let stopWatching: (() => void) | null = null;
  let draining = false;
  let size = 0;

  function changed(hold: Hold): void {
    const bench = benches.get(hold.id);
    if (!bench || hold.version <= bench.latest.version) return;
    bench.latest = remembered(hold);
    for (const seat of bench.seats) seat.tell(hold);
  }

  /** It may have changed between its reading and the start of the watch. */
  function readAgain(id: string): void {
    store.find(id).then(
      (hold) => hold && changed(hold),
      () => setTimeout(() => benches.has(id) && readAgain(id), RETRY).unref(),
    );
  }

  function benchOf(hold: Hold | Glimpse): Bench {
    const known = benches.get(hold.id);
    if (known) return known;
    const bench: Bench = { latest: remembered(hold), seats: new Set() };
    benches.set(hold.id, bench);
    stopWatching ??= store.watch(changed);
    readAgain(hold.id);
    return bench;
  }

  function left({ latest, seats }: Bench): void {
    if (seats.size === 0) benches.delete(latest.id);
    size -= 1;
    if (size > 0) return;
    stopWatching?.();
    stopWatching = null;
  }

  return {
    wait(hold, patience, visitor, isOver = isSettled) {
      if (isOver(hold) || patience <= 0 || draining) return Promise.resolve(hold);
      const bench = benchOf(hold);
      if (isOver(bench.latest)) return Promise.resolve(bench.latest);
      return new Promise((resolve) => {
        const seat = new Seat(bench, isOver, resolve, left);
        bench.seats.add(seat);
        size += 1;
        seat.timer = setTimeout(standUp, Math.min(patience, LONGEST_TIMER), seat);
        visitor.onGone(() => seat.leave());
      });
    },
    drain() {
      draining = true;
      for (const { seats } of benches.values()) for (const seat of seats) seat.leave();
    },
    get draining() {
      return draining;
    },
    get size() {
      return size;
    },
  };
}

/** One caller on a bench: an object and no closures, which would weigh three times as much. */
class Seat {
  timer: NodeJS.Timeout | null = null;
  readonly #bench: Bench;
  readonly #isOver: (latest: Glimpse) => boolean;
  readonly #resolve: (hold: Hold | Glimpse) => void;
  readonly #left: (bench: Bench) => void;

  constructor(
    bench: Bench,
    isOver: (latest: Glimpse) => boolean,
    resolve: (hold: Hold | Glimpse) => void,
    left: (bench: Bench) => void,
  ) {
    this.#bench = bench;
    this.#isOver = isOver;
    this.#resolve = resolve;
    this.#left = left;
  }

  tell(news: Hold): void {
    if (this.#isOver(news)) this.leave(news);
  }

  leave(latest: Hold | Glimpse = this.#bench.latest): void {
    if (!this.#bench.seats.delete(this)) return;
    if (this.timer) clearTimeout(this.timer);
    this.#left(this.#bench);
    this.#resolve(latest);
  }
}

function standUp(seat: Seat): void {
  seat.leave();
}

/** Decided, and neither being released nor about to be sent again. */
export function isSettled({ status, execution, resendAt }: Glimpse): boolean {
  if (status === 'pending' || execution === 'releasing') return false;
  return execution !== 'indeterminate' || resendAt === null;
}

/** One that is settled is soon taken away, and may have to be released: then all of it is needed. */
function remembered(hold: Hold | Glimpse): Hold | Glimpse {
  return isSettled(hold) ? hold : glimpse(hold);
}

export function glimpse({ id, version, status, execution, resendAt, code, note, outcome, rules }: Glimpse): Glimpse {
  return { id, version, status, execution, resendAt, code, note, outcome, rules };
}
