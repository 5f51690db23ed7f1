import { ask } from '../server/ask.ts';

/** Milliseconds in which a decision can be taken back: nothing has been sent until then. */
export const UNDO_FOR = 3_000;
/** Milliseconds for which a message stays after its decision was sent. */
const SHOWN_FOR = 6_000;

/** What is sent for a decision. */
export type Command = {
  readonly path: string;
  readonly body: unknown;
  /** The revision that the person has read; left out for a batch, which names them in its body. */
  readonly ifMatch?: number;
};

export type Decision = Command & {
  readonly holdIds: readonly string[];
  /** What the person did, such as `Approved: POST /v1/refunds`. */
  readonly text: string;
};

export type Sent = Decision & {
  readonly id: number;
  readonly state: 'waiting' | 'sending' | 'done' | 'failed';
  readonly error: unknown;
};

type Ears = {
  done(sent: Sent, answer: unknown): void;
  failed(sent: Sent, error: unknown): void;
};

/**
 * Decisions on their way. Each waits three seconds, in which it can be undone, and is then sent once. It is sent at once
 * when the page goes away: who closes the tab has decided.
 */
export function createOutbox(ears: Ears, send: typeof ask = ask) {
  let all: readonly Sent[] = [];
  let count = 0;
  const timers = new Map<number, ReturnType<typeof setTimeout>>();
  const listeners = new Set<() => void>();

  function update(change: (all: readonly Sent[]) => readonly Sent[]): void {
    all = change(all);
    for (const listener of listeners) listener();
  }
  const change = (id: number, to: Partial<Sent>) =>
    update((all) => all.map((each) => (each.id === id ? { ...each, ...to } : each)));

  function after(id: number, ms: number, act: () => void): void {
    clearTimeout(timers.get(id));
    timers.set(id, setTimeout(act, ms));
  }

  function forget(id: number): void {
    clearTimeout(timers.get(id));
    timers.delete(id);
    update((all) => all.filter((each) => each.id !== id));
  }

  async function dispatch(id: number, keepalive: boolean): Promise<void> {
    const sent = all.find((each) => each.id === id);
    if (sent?.state !== 'waiting') return;
    clearTimeout(timers.get(id));
    change(id, { state: 'sending' });
    const { path, body, ifMatch } = sent;
    try {
      const answer = await send(path, {
        method: 'POST',
        body,
        keepalive,
        ...(ifMatch === undefined ? {} : { ifMatch }),
      });
      change(id, { state: 'done' });
      ears.done(sent, answer);
      after(id, SHOWN_FOR, () => forget(id));
    } catch (error) {
      // Stays until the person has read it.
      change(id, { state: 'failed', error });
      ears.failed(sent, error);
    }
  }

  return {
    /** Takes a decision on. A second one on the same hold is dropped while the first is on its way: a double click. */
    submit(decision: Decision): void {
      const isOnItsWay = ({ state }: Sent) => state === 'waiting' || state === 'sending';
      const isTwice = all.some((each) => isOnItsWay(each) && each.holdIds.some((id) => decision.holdIds.includes(id)));
      if (isTwice) return;
      const id = (count += 1);
      const isNews = ({ holdIds, state }: Sent) =>
        isOnItsWay({ state } as Sent) || !holdIds.some((each) => decision.holdIds.includes(each));
      update((all) => [...all.filter(isNews), { ...decision, id, state: 'waiting', error: null }]);
      after(id, UNDO_FOR, () => void dispatch(id, false));
    },
    /** Takes the newest decision back that has not been sent, or the one with this id. */
    undo(id = all.findLast(({ state }) => state === 'waiting')?.id): void {
      if (all.some((each) => each.id === id && each.state === 'waiting')) forget(id!);
    },
    forget,
    /** Sends all that waits now, also while the page goes away. */
    flush(): void {
      for (const { id, state } of all) if (state === 'waiting') void dispatch(id, true);
    },
    all: () => all,
    subscribe(listener: () => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export type Outbox = ReturnType<typeof createOutbox>;
