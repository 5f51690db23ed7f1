import type { SharedCounts } from './shared-counts.ts';

/** Milliseconds between two looks at the store. A count of another process arrives after two at most. */
const INTERVAL = 500;
/** Most works of one exchange. Other processes wait until it is over. */
const MOST_WORKS = 100;
/** Milliseconds that the last exchange may take. */
const STOP_LIMIT = 1_000;

type Queued = { readonly work: () => void; readonly done: () => void; readonly failed: (error: unknown) => void };

export type Exchanges = {
  /**
   * Does `work` in an exchange, and resolves with its result once everything that it counted is in the store. Works that
   * wait share the next exchange, so many calls at once are as dear as a few.
   * @throws what `work` throws; Problem `store-unavailable`, and then nothing was counted
   */
  alone<T>(work: () => T): Promise<T>;
  /** Shares counts once. @throws Problem `store-unavailable` */
  share(): Promise<void>;
  /** Shares counts without waiting for the interval. */
  soon(): void;
  /** Shares counts at intervals. */
  start(): void;
  /** Shares counts for the last time, if the store can be reached. */
  stop(): Promise<void>;
};

/** This process's exchanges with the store, one after another: two at once would add the same counts twice. */
export function createExchanges(deps: {
  readonly counts: Pick<SharedCounts, 'exchange' | 'share'>;
  /** Whether policy reads what is counted. */
  readonly wanted: () => boolean;
  /** Told the first failure of an outage only. */
  readonly failed: (error: unknown) => void;
}): Exchanges {
  const { counts, wanted, failed } = deps;
  const queue: Queued[] = [];
  let running: Promise<void> = Promise.resolve();
  let isWorking = false;
  let isSoon = false;
  let isFailing = false;
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;

  function next(step: () => Promise<void>): Promise<void> {
    const done = running.then(step);
    running = done.catch(() => {});
    return done;
  }

  async function workOff(): Promise<void> {
    const works = queue.splice(0, MOST_WORKS);
    try {
      await counts.exchange(works.map(({ work }) => work));
      for (const { done } of works) done();
    } catch (error) {
      for (const each of works) each.failed(error);
    }
    if (queue.length > 0) void next(workOff);
    else isWorking = false;
  }

  const share = () =>
    next(() => {
      isSoon = false;
      return counts.share();
    });

  async function attempt(): Promise<void> {
    try {
      if (wanted()) await share();
      isFailing = false;
    } catch (error) {
      if (!isFailing) failed(error);
      isFailing = true;
    }
  }

  function schedule(): void {
    if (!isStopped) timer = setTimeout(() => void attempt().finally(schedule), INTERVAL).unref();
  }

  return {
    alone: (work) =>
      new Promise((resolve, reject) => {
        // A work that throws fails alone: the others of its exchange go on.
        let end = () => {};
        queue.push({
          work() {
            try {
              const result = work();
              end = () => resolve(result);
            } catch (error) {
              end = () => reject(error as Error);
            }
          },
          done: () => end(),
          failed: reject,
        });
        if (isWorking) return;
        isWorking = true;
        void next(workOff);
      }),
    share,
    soon() {
      if (isSoon || isStopped) return;
      isSoon = true;
      void attempt();
    },
    start: schedule,
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      // A store that hangs must not keep the process from ending. A crash would lose the same half second of counts.
      const late = new Promise<void>((resolve) => setTimeout(resolve, STOP_LIMIT).unref());
      await Promise.race([attempt(), late]);
    },
  };
}
