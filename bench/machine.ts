import { cpus, release, totalmem, type } from 'node:os';
import { canPin } from './child.ts';

/** The machine of a measurement, by name. */
export function machine(): Record<string, string> {
  return {
    cpu: `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${type()} ${release()}`,
    node: process.version,
    cores: canPin ? 'load and upstream on core 0, the peer on core 1' : 'not pinned: no taskset or only one core',
  };
}
