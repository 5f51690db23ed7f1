import { ServerException } from './exception.ts';

type Waiting = { readonly person: string; readonly enter: () => void };

/** Lets in so many at once; the others wait in the order in which they came. */
export type Turnstile = {
  /**
   * Resolves when there is a place, with what gives it back.
   * @throws ServerException TOO_MANY_SIMULTANEOUS_QUERIES when too many wait or it takes too long
   */
  enter(person: string, signal: AbortSignal): Promise<() => void>;
};

/**
 * @param options.places how many at once; one person gets all but one of them
 * @param options.queue how many may wait
 * @param options.patience milliseconds that they wait at most
 */
export function createTurnstile(options: {
  readonly places: number;
  readonly queue: number;
  readonly patience: number;
}): Turnstile {
  const { places, queue, patience } = options;
  const inside: string[] = [];
  const waiting: Waiting[] = [];

  const admits = (person: string) =>
    inside.length < places && inside.filter((one) => one === person).length < Math.max(1, places - 1);

  function leave(person: string): void {
    inside.splice(inside.indexOf(person), 1);
    const next = waiting.findIndex((one) => admits(one.person));
    if (next >= 0) waiting.splice(next, 1)[0]!.enter();
  }

  return {
    async enter(person, signal) {
      if (!admits(person)) {
        if (waiting.length >= queue) throw tooMany(`${inside.length} are running and ${waiting.length} are waiting`);
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        const one: Waiting = {
          person,
          enter() {
            inside.push(person);
            resolve();
          },
        };
        waiting.push(one);
        const giveUp = (reason: Error) => {
          const at = waiting.indexOf(one);
          if (at < 0) return;
          waiting.splice(at, 1);
          reject(reason);
        };
        const late = setTimeout(() => giveUp(tooMany(`none ended within ${patience} ms`)), patience);
        const gone = () => giveUp(new Error('The client is gone'));
        signal.addEventListener('abort', gone);
        try {
          await promise;
        } finally {
          clearTimeout(late);
          signal.removeEventListener('abort', gone);
        }
      } else {
        inside.push(person);
      }
      let left = false;
      return () => {
        if (!left) leave(person);
        left = true;
      };
    },
  };
}

function tooMany(text: string): ServerException {
  return new ServerException(202, 'TOO_MANY_SIMULTANEOUS_QUERIES', `Too many simultaneous queries: ${text}.`);
}
