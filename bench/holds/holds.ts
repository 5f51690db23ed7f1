import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { machine } from '../machine.ts';
import { measureEngine } from './engine.ts';
import { startDatabases } from './postgres.ts';
import type { Databases } from './postgres.ts';
import { report } from './report.ts';
import type { Samples } from './report.ts';
import { measureWaiting } from './waiting.ts';
import { wholeNumber } from '../whole-number.ts';

const PARTS = ['waiting', 'SQLite', 'PostgreSQL'] as const;
type Part = (typeof PARTS)[number];

type Options = {
  readonly rounds: number;
  readonly seconds: number;
  readonly callers: number;
  readonly parts: readonly Part[];
};

/** A generous count of the descriptors that a process has open besides its callers' connections. */
const OTHER_FILES = 1_000;

/** Measures what holds cost, compared with the goals. Writes `results/holds.md` and `results/holds.json`. */
export async function benchHolds(args: string[]): Promise<number> {
  const { rounds, seconds, callers: wanted, parts } = readOptions(args);
  const callers = Math.min(wanted, mostCallers());
  if (callers < wanted) {
    say(`this machine lets a process open ${callers + OTHER_FILES} files: ${callers} callers instead of ${wanted}`);
  }
  const about = {
    ...machine(),
    'load average before': loadavg()
      .map((load) => load.toFixed(1))
      .join(', '),
  };
  const folder = mkdtempSync(join(tmpdir(), 'holdpoint-bench-'));
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
  let databases: Databases | null = null;
  if (parts.includes('PostgreSQL')) {
    databases = await startDatabases();
    cleanup.defer(databases.stop);
  }

  const samples: Samples = { waiting: [], SQLite: [], PostgreSQL: [] };
  const failures: string[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    for (const part of parts) {
      const progress = (text: string): void => say(`round ${round}/${rounds}  ${part}: ${text}`);
      try {
        if (part === 'waiting') samples.waiting.push(await measureWaiting(folder, callers, seconds, progress));
        else samples[part].push(await measureEngine(folder, part === 'SQLite' ? null : databases, seconds, progress));
      } catch (error) {
        const reason = (error as Error).message.trim();
        failures.push(`round ${round} of ${part} counts in no figure: ${reason}`);
        progress(`FAILED: ${reason}`);
      }
    }
  }

  const finished = {
    ...about,
    'load average after': loadavg()
      .map((load) => load.toFixed(1))
      .join(', '),
    ...(databases && { PostgreSQL: databases.version }),
  };
  const { text, failed } = report(samples, failures, { rounds, seconds, about: finished });
  process.stdout.write(`${text}\n`);
  const results = new URL('../results/', import.meta.url);
  mkdirSync(results, { recursive: true });
  writeFileSync(new URL('holds.md', results), `${text}\n`);
  const all = { at: new Date().toISOString(), machine: finished, rounds, seconds, failures, samples };
  writeFileSync(new URL('holds.json', results), `${JSON.stringify(all, null, 2)}\n`);
  return failed ? 1 : 0;
}

function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '3' },
      duration: { type: 'string', default: '4' },
      callers: { type: 'string', default: '10000' },
      only: { type: 'string', multiple: true, default: [] },
    },
  });
  const positive = (name: 'rounds' | 'duration' | 'callers') => wholeNumber(name, values[name]);
  const isNamed = (part: Part): boolean => values.only.some((text) => part.toLowerCase().includes(text.toLowerCase()));
  const named = PARTS.filter(isNamed);
  if (values.only.length > 0 && named.length === 0) throw new Error(`--only knows ${PARTS.join(', ')}`);
  return {
    rounds: positive('rounds'),
    seconds: positive('duration'),
    callers: positive('callers'),
    parts: named.length > 0 ? named : PARTS,
  };
}

/** Node itself raises its limit to the hard one when it starts. */
function mostCallers(): number {
  try {
    const limit = /^Max open files +\S+ +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return limit === undefined ? Infinity : Number(limit) - OTHER_FILES;
  } catch {
    return Infinity;
  }
}

const say = (text: string): void => void process.stderr.write(`${text}\n`);
