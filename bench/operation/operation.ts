import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { machine } from '../machine.ts';
import { startUpstream } from '../upstream.ts';
import { measureReload, type ReloadSample } from './reload.ts';
import { report } from './report.ts';
import { measureSoak, type SoakSample } from './soak.ts';
import { measureStart, type StartRound } from './start.ts';
import { measureWorkers, type WorkersSample } from './workers.ts';
import { wholeNumber } from '../whole-number.ts';

const PARTS = ['start', 'memory', 'reload', 'workers', 'soak'] as const;
type Part = (typeof PARTS)[number];

const CHANGES = 10;
const WORKERS_SECONDS = 6;

/**
 * Measures what it takes to run Holdpoint, compared with the goals. Writes `results/operation.md` and
 * `results/operation.json`.
 */
export async function benchOperation(args: readonly string[]): Promise<number> {
  const { rounds, minutes, parts } = readOptions(args);
  const load = () =>
    loadavg()
      .map((value) => value.toFixed(1))
      .join(', ');
  const before = load();
  const folder = mkdtempSync(join(tmpdir(), 'holdpoint-bench-'));
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
  const upstream = await startUpstream(join(folder, 'upstream'));
  cleanup.defer(() => upstream.stop());

  const failures: string[] = [];
  async function attempt<T>(name: string, measure: () => Promise<T>): Promise<T | null> {
    try {
      const found = await measure();
      say(`${name}: done`);
      return found;
    } catch (error) {
      failures.push(`${name} counts in no figure: ${(error as Error).message.trim()}`);
      say(failures.at(-1)!);
      return null;
    }
  }

  const start: StartRound[] = [];
  const workers: WorkersSample[] = [];
  let reload: ReloadSample | null = null;
  let soak: SoakSample | null = null;
  for (let round = 1; round <= rounds; round += 1) {
    if (parts.has('start') || parts.has('memory')) {
      const found = await attempt(`start ${round}/${rounds}`, () => measureStart(folder, upstream.address));
      if (found) start.push(found);
    }
    for (const count of parts.has('workers') ? [1, 2] : []) {
      const found = await attempt(`${count} workers, ${round}/${rounds}`, () =>
        measureWorkers(folder, upstream.address, count, WORKERS_SECONDS),
      );
      if (found) workers.push(found);
    }
  }
  if (parts.has('reload'))
    reload = await attempt('reload', () => measureReload(join(folder, 'reload'), upstream.address, CHANGES));
  if (parts.has('soak'))
    soak = await attempt('soak', () => measureSoak(join(folder, 'soak'), upstream.address, minutes, say));

  const samples = { start, reload, workers, soak };
  const about = {
    ...machine(),
    upstream: upstream.version,
    'load average before, after': `${before}; ${load()}`,
  };
  const { text, failed } = report(samples, failures, about);
  process.stdout.write(`${text}\n`);
  const results = new URL('../results/', import.meta.url);
  mkdirSync(results, { recursive: true });
  writeFileSync(new URL('operation.md', results), `${text}\n`);
  const all = { at: new Date().toISOString(), machine: about, rounds, failures, samples };
  writeFileSync(new URL('operation.json', results), `${JSON.stringify(all, null, 2)}\n`);
  return failed ? 1 : 0;
}

function readOptions(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '5' },
      minutes: { type: 'string', default: '60' },
      only: { type: 'string', multiple: true, default: [] },
    },
  });
  const positive = (name: 'rounds' | 'minutes') => wholeNumber(name, values[name]);
  const unknown = values.only.find((name) => !PARTS.includes(name as Part));
  if (unknown !== undefined) throw new Error(`--only knows ${PARTS.join(', ')}, not ${unknown}`);
  return {
    rounds: positive('rounds'),
    minutes: positive('minutes'),
    parts: new Set<Part>(values.only.length > 0 ? (values.only as Part[]) : PARTS),
  };
}

const say = (text: string): void => void process.stderr.write(`${text}\n`);
