import { Window } from './usage-window.ts';

/** Most different calls remembered, in about 10 MB. Beyond, the one that was counted first is forgotten. */
const CALLS = 20_000;

type Repeated = { readonly key: string; readonly windows: { readonly repeat: Window } };

type Repeats = {
  /** What is counted under a key, `call:<digest>`. */
  of(key: string): Repeated;
  ofCall(digest: string): Repeated;
  /** `action.repeat` as JSON text: `{"count":2,"age_s":31}`, or `{"count":0}`. */
  text(digest: string, now: number): string;
  /** Forgets calls of more than an hour ago. */
  sweep(now: number): void;
};

/** The calls that were sent within the last hour, by their digest. */
export function createRepeats(): Repeats {
  const calls = new Map<string, Repeated>();

  function of(key: string): Repeated {
    let found = calls.get(key);
    if (found === undefined) {
      if (calls.size >= CALLS) for (const [oldest] of calls.entries().take(1)) calls.delete(oldest);
      calls.set(key, (found = { key, windows: { repeat: new Window('repeat') } }));
    }
    return found;
  }

  return {
    of,
    ofCall: (digest) => of(keyOf(digest)),
    text(digest, now) {
      const sent = calls.get(keyOf(digest))?.windows.repeat.calls(now);
      if (!sent) return '{"count":0}';
      return `{"count":${sent.count},"age_s":${Math.max(0, Math.floor((now - sent.last) / 1000))}}`;
    },
    sweep(now) {
      for (const [key, { windows }] of calls) if (windows.repeat.isEmpty(now)) calls.delete(key);
    },
  };
}

function keyOf(digest: string): string {
  return `call:${digest}`;
}
