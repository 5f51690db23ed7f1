import type { CallHold, Hold } from '../../domain/hold.ts';
import type { HoldStore } from '../../domain/hold-store.ts';

/** What a waiter keeps of its hold. There may be thousands of waiters, so the rest stays in the store. */
export type HoldSnapshot = Pick<
  Hold,
  'id' | 'version' | 'status' | 'execution' | 'code' | 'note' | 'outcome' | 'createdAt' | 'expiresAt' | 'decidedAt'
> & {
  /** Absent, as `rules` are, where no call is held. */
  readonly resendAt?: CallHold['resendAt'] | undefined;
  readonly rules?: CallHold['rules'] | undefined;
  readonly rejectedUntil?: number | undefined;
};

/** A waiting caller. It gets the function to call when it leaves. */
export type Waiting = { onGone(leave: () => void): void };

export type HoldWaiters = {
  /**
   * Resolves with the newest known version of the hold as soon as `isOver` accepts it; by default, when the hold is
   * settled. Also resolves with it after `timeout` ms, when the caller leaves, and when the worker drains. Never
   * rejects: while the store is unavailable, the caller waits on.
   */
  wait(
    hold: Hold | HoldSnapshot,
    timeout: number,
    caller: Waiting,
    isOver?: (latest: HoldSnapshot) => boolean,
  ): Promise<Hold | HoldSnapshot>;
  /** Ends all waits. Waits that begin later end at once. */
  drain(): void;
  readonly draining: boolean;
  readonly size: number;
};

/** Milliseconds until a hold that could not be read is read again. */
const RETRY = 1_000;
/** The longest delay of a Node timer. A longer one would fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** All waiters of one hold, and its newest known version. */
type Waiters = { latest: Hold | HoldSnapshot; readonly waiting: Set<Waiter> };

/**
 * The waiting callers of held calls. Each costs a socket, a timer and an entry here; its call is in the store. The
 * store is read once per hold, however many callers wait for it, and not when they leave.
 */
export function createHoldWaiters(store: Pick<HoldStore, 'watch' | 'find'>): HoldWaiters {
  const byHold = new Map<string, Waiters>();
  let stopWatching: (() => void) | null = null;
  let draining = false;
  let size = 0;

  function changed(hold: Hold): void {
    const waiters = byHold.get(hold.id);
    if (!waiters || hold.version <= waiters.latest.version) return;
    waiters.latest = remembered(hold);
    for (const waiter of waiters.waiting) waiter.tell(hold);
  }

  /** The hold may have changed between the caller's read and the start of the watch. */
  function readAgain(id: string): void {
    store.find(id).then(
      (hold) => hold && changed(hold),
      () => setTimeout(() => byHold.has(id) && readAgain(id), RETRY).unref(),
    );
  }

  function waitersOf(hold: Hold | HoldSnapshot): Waiters {
    const known = byHold.get(hold.id);
    if (known) return known;
    const waiters: Waiters = { latest: remembered(hold), waiting: new Set() };
    byHold.set(hold.id, waiters);
    stopWatching ??= store.watch(changed);
    readAgain(hold.id);
    return waiters;
  }

  function left({ latest, waiting }: Waiters): void {
    if (waiting.size === 0) byHold.delete(latest.id);
    size -= 1;
    if (size > 0) return;
    stopWatching?.();
    stopWatching = null;
  }

  return {
    wait(hold, timeout, caller, isOver = isSettled) {
      if (isOver(hold) || timeout <= 0 || draining) return Promise.resolve(hold);
      const waiters = waitersOf(hold);
      if (isOver(waiters.latest)) return Promise.resolve(waiters.latest);
      return new Promise((resolve) => {
        const waiter = new Waiter(waiters, isOver, resolve, left);
        waiters.waiting.add(waiter);
        size += 1;
        waiter.timer = setTimeout(timeOut, Math.min(timeout, LONGEST_TIMER), waiter);
        caller.onGone(() => waiter.leave());
      });
    },
    drain() {
      draining = true;
      for (const { waiting } of byHold.values()) for (const waiter of waiting) waiter.leave();
    },
    get draining() {
      return draining;
    },
    get size() {
      return size;
    },
  };
}

/** One waiting caller. It is an object without closures to save memory. */
class Waiter {
  timer: NodeJS.Timeout | null = null;
  readonly #waiters: Waiters;
  readonly #isOver: (latest: HoldSnapshot) => boolean;
  readonly #resolve: (hold: Hold | HoldSnapshot) => void;
  readonly #emptied: (waiters: Waiters) => void;

  constructor(
    waiters: Waiters,
    isOver: (latest: HoldSnapshot) => boolean,
    resolve: (hold: Hold | HoldSnapshot) => void,
    left: (waiters: Waiters) => void,
  ) {
    this.#waiters = waiters;
    this.#isOver = isOver;
    this.#resolve = resolve;
    this.#emptied = left;
  }

  tell(news: Hold): void {
    if (this.#isOver(news)) this.leave(news);
  }

  leave(latest: Hold | HoldSnapshot = this.#waiters.latest): void {
    if (!this.#waiters.waiting.delete(this)) return;
    if (this.timer) clearTimeout(this.timer);
    this.#emptied(this.#waiters);
    this.#resolve(latest);
  }
}

function timeOut(waiter: Waiter): void {
  waiter.leave();
}

/** Whether the hold is decided, and neither being released nor due to be sent again. */
export function isSettled({ status, execution, resendAt = null }: HoldSnapshot): boolean {
  if (status === 'pending' || execution === 'releasing') return false;
  return execution !== 'indeterminate' || resendAt === null;
}

/** A settled hold is kept whole: its waiters leave soon and may have to release it. */
function remembered(hold: Hold | HoldSnapshot): Hold | HoldSnapshot {
  return isSettled(hold) ? hold : snapshot(hold);
}

export function snapshot({
  id,
  version,
  status,
  execution,
  resendAt,
  code,
  note,
  outcome,
  rules,
  createdAt,
  expiresAt,
  decidedAt,
}: HoldSnapshot): HoldSnapshot {
  return { id, version, status, execution, resendAt, code, note, outcome, rules, createdAt, expiresAt, decidedAt };
}
