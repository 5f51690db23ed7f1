import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { openJournal } from '../../audit/journal/journal.ts';
import { createSigner } from '../../audit/ledger/ledger.ts';
import { exampleEvent } from './example-event.ts';

/** Events between looks at whether the disk keeps up. */
const STRIDE = 500;
/** Events that may wait in memory while as many as possible are offered. */
const AHEAD = 20_000;

export type JournalFigures = {
  /** Bytes of one event's line. */
  readonly eventBytes: number;
  /** Taken, on disk and signed for, as many as go. */
  readonly most: { readonly perSecond: number; readonly cores: number };
  /** At the rate that is offered: milliseconds from `append` until `flushed` resolves. */
  readonly steady: {
    readonly perSecond: number;
    readonly p50: number;
    readonly p99: number;
    readonly worst: number;
    readonly cores: number;
  };
};

/**
 * Measures the journal in one process on the disk of `folder`.
 * @param seconds how long each of the two measurements takes
 * @param rate events offered a second, one at a time, each awaited
 */
export async function benchJournal({
  folder,
  seconds = 5,
  rate = 20_000,
}: {
  readonly folder: string;
  readonly seconds?: number;
  readonly rate?: number;
}): Promise<JournalFigures> {
  // Compiled code and a warm disk first.
  await measureMost(folder, 1);
  const most = await measureMost(folder, seconds);
  return { eventBytes: most.eventBytes, most, steady: await measureSteady(folder, seconds, rate) };
}

/** The figures as lines for people. */
export function describeJournal({ eventBytes, most, steady }: JournalFigures): string {
  const count = (n: number) => Math.round(n).toLocaleString('en');
  return [
    `journal, events of ${eventBytes} bytes, each batch with fdatasync`,
    `  most      ${count(most.perSecond)} events/s, ${most.cores.toFixed(2)} cores`,
    `  offered   ${count(steady.perSecond)} events/s, ${steady.cores.toFixed(2)} cores: flushed after p50 ` +
      `${steady.p50.toFixed(2)} ms, p99 ${steady.p99.toFixed(2)} ms, at worst ${steady.worst.toFixed(1)} ms`,
  ].join('\n');
}

async function measureMost(folder: string, seconds: number) {
  return await withJournal(folder, async (append, flushed, dir) => {
    const cpu = process.cpuUsage();
    const since = performance.now();
    let taken = 0;
    let confirmed = 0;
    while (performance.now() - since < seconds * 1000) {
      for (let n = 0; n < STRIDE; n++) append(taken++);
      const upTo = taken;
      void flushed().then(() => (confirmed = upTo));
      do await turn();
      while (taken - confirmed > AHEAD);
    }
    await flushed();
    const took = performance.now() - since;
    return { perSecond: (taken / took) * 1000, cores: coresOf(cpu, took), eventBytes: await bytesEach(dir, taken) };
  });
}

async function measureSteady(folder: string, seconds: number, rate: number): Promise<JournalFigures['steady']> {
  return await withJournal(folder, async (append, flushed) => {
    const waits: number[] = [];
    const cpu = process.cpuUsage();
    const since = performance.now();
    let taken = 0;
    for (let now = 0; now < seconds * 1000; now = performance.now() - since) {
      for (; taken < (now * rate) / 1000; taken++) {
        append(taken);
        const at = performance.now();
        void flushed().then(() => waits.push(performance.now() - at));
      }
      await turn();
    }
    await flushed();
    const took = performance.now() - since;
    waits.sort((a, b) => a - b);
    const at = (share: number) => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))]!;
    return { perSecond: (taken / took) * 1000, p50: at(0.5), p99: at(0.99), worst: at(1), cores: coresOf(cpu, took) };
  });
}

async function withJournal<Result>(
  folder: string,
  work: (append: (n: number) => void, flushed: () => Promise<void>, dir: string) => Promise<Result>,
): Promise<Result> {
  const dir = await mkdtemp(join(folder, 'journal-'));
  const signer = createSigner(generateKeyPairSync('ed25519').privateKey);
  const journal = await openJournal({ dir, node: 'bench', signer, limit: 2 ** 40 });
  try {
    return await work(
      (n) => journal.append(exampleEvent(n)),
      () => journal.flushed(),
      dir,
    );
  } finally {
    await journal.close();
    await rm(dir, { recursive: true, force: true });
  }
}

async function bytesEach(dir: string, events: number): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(dir)) bytes += (await stat(join(dir, name))).size;
  return Math.round(bytes / events);
}

function coresOf(since: NodeJS.CpuUsage, took: number): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000 / took;
}
