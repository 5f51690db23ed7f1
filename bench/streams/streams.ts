import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startEvents } from '../events/upstream.ts';
import { median } from '../holds/figures.ts';
import { inspect } from '../holds/inspector.ts';
import type { Memory } from '../holds/inspector.ts';
import { machine } from '../machine.ts';
import { markdownTable } from '../markdown-table.ts';
import { holdpoint } from '../peers/holdpoint.ts';
import { openIdleStreams } from './idle-streams.ts';
import { wholeNumber } from '../whole-number.ts';

/** Bytes: the goal counts in thousands. */
const MOST_MEMORY = 40_000;
/** Streams that are opened first, so that what the first ones need for good is not counted. */
const WARM_STREAMS = 250;
/** Milliseconds in which what was under way ends. */
const SETTLED = 2_000;

const MOMENTS = ['before', 'open', 'after'] as const;

/** The memory of the worker in one round. */
type StreamsSample = Readonly<Record<(typeof MOMENTS)[number], Memory>>;

/**
 * What an idle stream costs: MCP clients keep one open for as long as they run. Writes `results/streams.md` and
 * `results/streams.json`.
 * @returns the exit code: 1 when a stream was refused or ended
 */
export async function benchStreams(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { rounds: { type: 'string', default: '3' }, streams: { type: 'string', default: '1000' } },
  });
  const rounds = wholeNumber('rounds', values.rounds);
  const streams = wholeNumber('streams', values.streams);

  const samples: StreamsSample[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const sample = await measure(streams);
    samples.push(sample);
    process.stderr.write(
      `round ${round}/${rounds}: ${kilobytes((sample.open.resident - sample.before.resident) / streams)}\n`,
    );
  }
  const text = toText(samples, streams);
  process.stdout.write(`${text}\n`);
  const results = new URL('../results/', import.meta.url);
  mkdirSync(results, { recursive: true });
  writeFileSync(new URL('streams.md', results), `${text}\n`);
  const all = { at: new Date().toISOString(), machine: machine(), streams, samples };
  writeFileSync(new URL('streams.json', results), `${JSON.stringify(all, null, 2)}\n`);
  return 0;
}

/** In a gateway of its own, as an operator runs it. */
async function measure(streams: number): Promise<StreamsSample> {
  await using cleanup = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'holdpoint-streams-'));
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
  const events = await startEvents();
  cleanup.defer(() => events.stop());
  const token = randomBytes(24).toString('base64url');
  const gateway = await holdpoint.start({ upstream: events.address, system: 'warehouse', token, folder });
  cleanup.defer(() => gateway.stop());
  const inspector = await inspect(gateway.pid!);
  cleanup.defer(() => inspector.end());

  const settle = async (): Promise<Memory> => {
    await pause(SETTLED);
    return await inspector.settle();
  };
  const open = (count: number) => openIdleStreams(`${gateway.base}/mcp`, token, count);
  await (await open(Math.min(WARM_STREAMS, streams))).close();
  const before = await settle();
  const all = await open(streams);
  const meanwhile = await settle().finally(() => all.close());
  return { before, open: meanwhile, after: await settle() };
}

function toText(samples: readonly StreamsSample[], streams: number): string {
  const growth = (kind: keyof Memory): number =>
    median(samples.map(({ before, open }) => (open[kind] - before[kind]) / streams));
  const megabytes = (moment: (typeof MOMENTS)[number], kind: keyof Memory): string =>
    (median(samples.map((sample) => sample[moment][kind])) / 1e6).toFixed(1);
  const resident = growth('resident');
  const verdict = resident <= MOST_MEMORY ? 'met' : 'MISSED';
  return [
    `## Idle streams, ${new Date().toISOString().slice(0, 10)}`,
    `Each of ${streams.toLocaleString('en')} idle MCP streams costs a worker ${kilobytes(resident)}, ${kilobytes(growth('heap'))} of it on the heap (goal: at most ${kilobytes(MOST_MEMORY)}, ${verdict}). Medians of ${samples.length} rounds. How: [README](../README.md#streams).`,
    markdownTable(
      ['memory of the worker, MB', 'resident', 'heap', 'external'],
      MOMENTS.map((moment) => [
        moment,
        megabytes(moment, 'resident'),
        megabytes(moment, 'heap'),
        megabytes(moment, 'external'),
      ]),
    ),
    Object.entries(machine())
      .map(([name, value]) => `- ${name}: ${value}`)
      .join('\n'),
  ].join('\n\n');
}

const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} KB`;
