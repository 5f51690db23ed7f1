/** Writes a year of work into a data folder: `node bench/year/main.ts --help`. */
import { parseArgs } from 'node:util';
import { writeYear } from './write-year.ts';

const HELP = `node bench/year/main.ts --data DIR [options]

  --data DIR     the gateway's data folder; what is there already stays, so begin with an empty one
  --events N     about so many events, from 20,000 (10,000,000)
  --seed N       another year (1)

Afterwards, with \`data: DIR\` in holdpoint.yaml, \`npx holdpoint report NAME\` and \`npx holdpoint audit verify\`
show it. The year is 2025: reports want --from 2025-01-01 --to 2026-01-01.
`;

function whole(text: string, least: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least) throw new Error(`expected a whole number from ${least}, not ${text}`);
  return value;
}

try {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      events: { type: 'string', default: '10000000' },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', default: false },
    },
  });
  const { data, events, seed, help } = values;
  if (help || data === undefined) process.stdout.write(HELP);
  else {
    const year = await writeYear({ data, events: whole(events, 20_000), seed: whole(seed, 0) });
    const n = (value: number) => Math.round(value).toLocaleString('en');
    process.stdout.write(
      `${n(year.events)} events in ${n(year.batches)} batches, ${n(year.perSecond)} a second, ` +
        `${n(year.bytes / year.events)} bytes each as text\n`,
    );
  }
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n\n${HELP}`);
  process.exitCode = 1;
}
