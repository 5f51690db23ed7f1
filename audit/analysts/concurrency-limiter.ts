import { ServerException } from './exception.ts';

type Waiter = { readonly user: string; readonly start: () => void };

/** Runs a limited number of queries at once; the others wait in order of arrival. */
export type ConcurrencyLimiter = {
  /**
   * Resolves when the query may start. Call the result when it has ended.
   * @throws ServerException TOO_MANY_SIMULTANEOUS_QUERIES when the queue is full or the wait too long
   */
  enter(user: string, signal: AbortSignal): Promise<() => void>;
};

/**
 * @param options.concurrency queries at once; one user gets at most one fewer
 * @param options.queue queries that may wait
 * @param options.maxWait milliseconds
 */
export function createConcurrencyLimiter(options: {
  readonly concurrency: number;
  readonly queue: number;
  readonly maxWait: number;
}): ConcurrencyLimiter {
  const { concurrency, queue, maxWait } = options;
  const running: string[] = [];
  const waiters: Waiter[] = [];

  const admits = (user: string) =>
    running.length < concurrency && running.filter((one) => one === user).length < Math.max(1, concurrency - 1);

  function leave(user: string): void {
    running.splice(running.indexOf(user), 1);
    const next = waiters.findIndex((waiter) => admits(waiter.user));
    if (next >= 0) waiters.splice(next, 1)[0]!.start();
  }

  async function wait(user: string, signal: AbortSignal): Promise<void> {
    if (waiters.length >= queue) throw tooMany(`${running.length} are running and ${waiters.length} are waiting`);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = {
      user,
      start() {
        running.push(user);
        resolve();
      },
    };
    waiters.push(waiter);
    const giveUp = (reason: Error) => {
      const at = waiters.indexOf(waiter);
      if (at < 0) return;
      waiters.splice(at, 1);
      reject(reason);
    };
    const timer = setTimeout(() => giveUp(tooMany(`none ended within ${maxWait} ms`)), maxWait);
    const onAbort = () => giveUp(new Error('The client is gone'));
    signal.addEventListener('abort', onAbort);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  return {
    async enter(user, signal) {
      if (admits(user)) running.push(user);
      else await wait(user, signal);
      let left = false;
      return () => {
        if (!left) leave(user);
        left = true;
      };
    },
  };
}

function tooMany(text: string): ServerException {
  return new ServerException(202, 'TOO_MANY_SIMULTANEOUS_QUERIES', `Too many simultaneous queries: ${text}.`);
}
