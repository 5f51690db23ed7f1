import { parseArgs } from 'node:util';
import { closedLoad } from './loads/closed.ts';
import type { ClosedLoad } from './loads/closed.ts';
import { PEERS } from './peers.ts';
import { SCENARIOS } from './scenarios.ts';
import { wholeNumber } from './whole-number.ts';

const ROUNDS = 3;
const SECONDS = 3;

export type Options = {
  readonly rounds: number;
  readonly seconds: number;
  readonly only: readonly string[];
  readonly load: ClosedLoad;
  /** Long enough, and of everything: only such a run is shown in the READMEs. */
  readonly whole: boolean;
};

export function help(): string {
  const list = (items: readonly { readonly name: string }[]): string => items.map(({ name }) => `  ${name}\n`).join('');
  return `npm run bench -- [options]
npm run bench -- --profile [--only SCENARIO]
npm run bench -- --smoke
npm run bench -- --against DIR [options]
npm run bench -- holds [options]
npm run bench -- streams [options]
npm run bench -- console [options]
npm run bench -- audit [--data DIR]
npm run bench -- operation [options]

  --rounds N      rounds, peers in a new order in each (${ROUNDS})
  --duration S    seconds of each measured run (${SECONDS})
  --only TEXT     only scenarios and peers whose name contains TEXT; may be repeated, also for either kind
  --load NAME     wrk or autocannon (wrk where installed)
  --help          this

With --profile: where the microseconds of one call go, by stage, for the small POST or the scenario that --only names.

With --smoke: a minute, for CI. Fails when the gateway has become half as fast beside a plain proxy.

With --against: this checkout beside the one in DIR, in turns: the small POST, or the scenarios that --only names.

With holds: what waiting for people costs. It knows --rounds, --duration, --only, and

  --callers N     how many wait at once (10,000)

With streams: the memory of idle MCP streams. It knows --rounds, and

  --streams N     how many are open at once (1,000)

With console: what a reviewer's browser needs. It knows --rounds, and

  --holds N       how many calls are held (1,000)
  --duration S    seconds in which control's part is measured, three times (20)

With audit: the journal, its delivery into ClickHouse, and verifying it; with --data also a year that bench/year wrote.

With operation: start, memory, reload of a policy, two workers, soak. It knows --rounds, and

  --only PART     start, memory, reload, workers or soak; may be repeated
  --minutes N     how long the soak takes (60)

Scenarios:

${list(SCENARIOS)}
Peers:

${list(PEERS)}
A run without --only, of all peers that are installed and of no less than the default rounds and duration, also writes the plots, and the figures of bench/README.md and README.md.
`;
}

/** @throws when an option is unknown or has a value that it cannot have. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: String(ROUNDS) },
      duration: { type: 'string', default: String(SECONDS) },
      only: { type: 'string', multiple: true, default: [] },
      load: { type: 'string' },
    },
  });
  const positive = (name: 'rounds' | 'duration') => wholeNumber(name, values[name]);
  const [rounds, seconds] = [positive('rounds'), positive('duration')];
  return {
    rounds,
    seconds,
    only: values.only,
    load: closedLoad(values.load),
    whole: values.only.length === 0 && rounds >= ROUNDS && seconds >= SECONDS,
  };
}
