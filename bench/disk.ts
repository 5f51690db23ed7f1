import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const FLUSHES = 300;
/** About what one call adds to the journal. */
const BYTES = 600;

/** Milliseconds that appending a little and `fdatasync` take in this folder: what each unsafe call has to wait for. */
export function fdatasyncMillis(folder: string): { readonly p50: number; readonly p99: number } {
  const file = join(folder, 'fdatasync');
  const descriptor = openSync(file, 'w');
  const record = Buffer.alloc(BYTES, 'x');
  const took = Array.from({ length: FLUSHES }, () => {
    const begun = performance.now();
    writeSync(descriptor, record);
    fdatasyncSync(descriptor);
    return performance.now() - begun;
  }).toSorted((a, b) => a - b);
  closeSync(descriptor);
  rmSync(file);
  return { p50: took[FLUSHES / 2]!, p99: took[Math.floor(FLUSHES * 0.99)]! };
}
