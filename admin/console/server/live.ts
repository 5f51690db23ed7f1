import type { HoldSummary } from './holds.ts';
import type { WorkNow } from './shapes.ts';

/** Longest silence of a stream that lives, in milliseconds: the gateway sends something every 15 seconds. */
const SILENCE = 40_000;
/** Shortest and longest wait before the next attempt, in milliseconds. */
const PAUSE = 500;
const LONGEST_PAUSE = 15_000;

export type LiveState = 'connecting' | 'on' | 'off';

export type LiveEars = {
  hold(hold: HoldSummary): void;
  /** What agents do now, while that is watched. */
  work(work: WorkNow): void;
  /** Too much was missed: read the lists again. */
  reset(): void;
  state(state: LiveState): void;
  /** Nobody is signed in any more. */
  signedOut(): void;
};

export type Listening = {
  /** Whether the stream tells of the work too. At first it does not. */
  watchWork(isOn: boolean): void;
  stop(): void;
};

/**
 * Listens to holds as they change (`/api/stream`), until it is stopped. It reads the stream itself
 * instead of by an EventSource, which neither sees keep-alives nor resumes after an answer that was an error: so it knows
 * of a connection that died in a laptop's sleep, and goes on from the last event.
 */
export function listen(ears: LiveEars): Listening {
  let last: string | null = null;
  let attempt = 0;
  let current: AbortController | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  let watchesWork = false;
  let isConnected = false;

  function again(): void {
    clearTimeout(timer);
    if (isOver || document.hidden) return;
    const pause = attempt === 0 ? 0 : Math.min(LONGEST_PAUSE, PAUSE * 2 ** attempt) * (0.75 + Math.random() / 2);
    attempt += 1;
    timer = setTimeout(() => void connect(), pause);
  }

  /** @param isInPlace whether it takes the place of a connection that works */
  async function connect(isInPlace = false): Promise<void> {
    current?.abort();
    const here = new AbortController();
    current = here;
    let alive = performance.now();
    // A timer alone would not do: in sleep no timer runs, and after it the first one must look.
    const watch = setInterval(() => {
      if (performance.now() - alive > SILENCE) here.abort();
    }, 5_000);
    try {
      if (!isInPlace) ears.state('connecting');
      const response = await fetch(watchesWork ? '/api/stream?work=true' : '/api/stream', {
        headers: { accept: 'text/event-stream', ...(last === null ? {} : { 'last-event-id': last }) },
        signal: here.signal,
      });
      if (response.status === 401) return ears.signedOut();
      if (!response.ok || !response.body) throw new Error(`The stream answered ${response.status}`);
      // What changed between the reading of the list and this moment was told to nobody.
      if (last === null && attempt > 0) ears.reset();
      ears.state('on');
      isConnected = true;
      attempt = 0;
      for await (const { id, event, data } of eventsOf(response.body, () => (alive = performance.now()))) {
        if (event === 'hold') ears.hold(JSON.parse(data) as HoldSummary);
        if (event === 'work') ears.work(JSON.parse(data) as WorkNow);
        if (event === 'reset') ears.reset();
        if (id !== null) last = id;
      }
    } catch {
      // Said below, like an end without an error: either way there is no stream now.
    } finally {
      clearInterval(watch);
    }
    if (current !== here || isOver) return;
    isConnected = false;
    ears.state('off');
    attempt = Math.max(attempt, 1);
    again();
  }

  /** A hidden tab needs no connection, and browsers allow six to one host. */
  function visibility(): void {
    if (document.hidden) {
      clearTimeout(timer);
      current?.abort();
      current = null;
    } else if (current === null) now();
  }

  /** Without a network a connection is silent, not closed: it would look alive for a while. */
  function lost(): void {
    current?.abort();
  }

  function now(): void {
    attempt = 0;
    again();
  }

  document.addEventListener('visibilitychange', visibility);
  addEventListener('online', now);
  addEventListener('offline', lost);
  again();
  return {
    watchWork(isOn) {
      if (watchesWork === isOn) return;
      watchesWork = isOn;
      // A connection that is there is replaced by one that tells what is wanted now.
      if (current !== null) void connect(isConnected);
    },
    stop() {
      isOver = true;
      clearTimeout(timer);
      current?.abort();
      document.removeEventListener('visibilitychange', visibility);
      removeEventListener('online', now);
      removeEventListener('offline', lost);
    },
  };
}

type StreamEvent = { readonly id: string | null; readonly event: string | null; readonly data: string };

/** Server-sent events (HTML Living Standard, section 9.2), as far as the gateway sends them: lines end with LF. */
export async function* eventsOf(
  body: ReadableStream<Uint8Array>,
  heard: () => void = () => {},
): AsyncGenerator<StreamEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) yield eventIn(block);
    }
  } finally {
    void reader.cancel().catch(() => {});
  }
}

function eventIn(block: string): StreamEvent {
  const fields = block.split('\n').map((line) => /^(\w+): ?(.*)$/.exec(line));
  const value = (name: string) => fields.findLast((field) => field?.[1] === name)?.[2] ?? null;
  const data = fields.flatMap((field) => (field?.[1] === 'data' ? [field[2]] : [])).join('\n');
  return { id: value('id'), event: value('event'), data };
}
