import { workerData } from 'node:worker_threads';
import { LEAD, now } from './metronome.ts';
import type { Sleeper } from './metronome.ts';

const { beats, wakes } = workerData as Sleeper;
const never = new Int32Array(new SharedArrayBuffer(4));

for (let beat = 0; beat < beats.count; beat += 1) {
  const pause = beats.start + beat * beats.interval - LEAD - now();
  if (pause > 0) Atomics.wait(never, 0, 0, pause);
  Atomics.add(wakes, 0, 1);
  Atomics.notify(wakes, 0);
}
