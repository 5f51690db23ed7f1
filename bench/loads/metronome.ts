import { writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

/** `count` beats, one every `interval` ms from `start` on, a time of `now()`. */
export type Beats = { readonly start: number; readonly interval: number; readonly count: number };

/** Data of the sleeping thread, which increments `wakes` and notifies shortly before each beat. */
export type Sleeper = { readonly beats: Beats; readonly wakes: Int32Array<SharedArrayBuffer> };

/**
 * How long before a beat its sleeper wakes, in ms. Waking a thread, and an event loop by it, takes about 0.05 ms; the rest
 * is spent turning the event loop over, which reads answers meanwhile.
 */
export const LEAD = 0.08;

/** Milliseconds of the clock that all threads share. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/**
 * Calls `onBeat` at each beat, or as soon after it as the event loop comes round. `onBeat` reads the clock itself,
 * since late beats are merged.
 *
 * Timers of the event loop are one to two milliseconds late, and spinning would take the core from the upstream that
 * shares it. So a thread sleeps until just before each beat, accurate to a few microseconds.
 */
export function keepTime(beats: Beats, onBeat: () => void): void {
  sleepExactly();
  const wakes = new Int32Array(new SharedArrayBuffer(4));
  new Worker(new URL('metronome-thread.ts', import.meta.url), { workerData: { beats, wakes } satisfies Sleeper });
  const last = beats.start + (beats.count - 1) * beats.interval;

  function turn(): void {
    // Read before the clock: a wake from here on is seen, and none can be slept through.
    const seen = Atomics.load(wakes, 0);
    const at = now();
    onBeat();
    if (at >= last) return;
    const next = beats.start + Math.max(0, Math.floor((at - beats.start) / beats.interval) + 1) * beats.interval;
    if (next - at <= LEAD) setImmediate(turn);
    else sleep(seen);
  }
  function sleep(seen: number): void {
    const { async, value } = Atomics.waitAsync(wakes, 0, seen);
    if (async) void value.then(turn);
    else turn();
  }
  turn();
}

/** Linux lets a thread oversleep by 50 µs unless told otherwise; threads inherit this setting. */
function sleepExactly(): void {
  try {
    writeFileSync('/proc/self/timerslack_ns', '1');
  } catch {
    // Elsewhere beats are as late as the system makes them.
  }
}
