import { markdownTable } from './markdown-table.ts';
import { DIRECT, HOLDPOINT, HTTP_PROXY, NGINX, NGINX_OPA } from './peer-names.ts';
import { isLoadBound, show, spread } from './summary.ts';
import type { Row, Table } from './summary.ts';

const [BEGIN, END] = ['<!-- bench:begin -->', '<!-- bench:end -->'];

/** The text with the part between the two marks replaced. @throws Error unless each mark occurs once, in this order */
export function replaceBlock(text: string, block: string): string {
  const [before, within, ...more] = text.split(BEGIN);
  const [, after, ...evenMore] = within?.split(END) ?? [];
  if (after === undefined || more.length + evenMore.length > 0 || before!.includes(END)) {
    throw new Error(`expected ${BEGIN} and, after it, ${END}, once each`);
  }
  return `${before}${BEGIN}\n\n${block.trim()}\n\n${END}${after}`;
}

/** The paragraph of the main README: ratios to the peers that readers know, with short and with long bodies. */
export function readmeSummary(short: Table, long: Table): string {
  const ours = ({ rows }: Table): Row => rows.find(({ peer }) => peer === HOLDPOINT)!;
  const times = (table: Table, peer: string, digits: number): string =>
    `${show(ours(table).times[peer]?.cpu, digits)} ×`;
  const { cpuMicros, elsewhereMicros } = ours(short);
  return [
    `For the same CPU time on one core, Holdpoint serves ${times(short, NGINX, 2)} the calls of nginx \`proxy_pass\`, ${times(short, HTTP_PROXY, 2)} those of bare \`@fastify/http-proxy\`, and ${times(short, NGINX_OPA, 1)} those of nginx with an OPA server (${short.scenario.name}).`,
    `A call takes ${show(cpuMicros, 0)} µs of CPU on that core, and ${show(elsewhereMicros, 0)} µs in processes on another: shipping and ClickHouse.`,
    `Long JSON bodies are slower: ${times(long, NGINX, 2)} nginx and ${times(long, HTTP_PROXY, 2)} the plugin (${long.scenario.name}).`,
  ].join(' ');
}

/** What `bench/README.md` shows of a whole run: few columns, ratios first. Names of scenarios are those of `SCENARIOS`. */
export function readmeBlock(
  tables: readonly Table[],
  { first, latency, half }: { first: string; latency: readonly string[]; half: string },
  about: {
    readonly rounds: number;
    readonly seconds: number;
    readonly machine: Readonly<Record<string, string>>;
    readonly leftOut: readonly string[];
  },
): string {
  const named = (name: string): Table => tables.find(({ scenario }) => scenario.name === name)!;
  const failed = tables.flatMap(({ scenario, rows }) =>
    rows.filter((row) => row.failedRuns > 0).map((row) => `${scenario.name}, ${row.peer} (${row.failedRuns})`),
  );
  const { cpu, memory, cores } = about.machine;
  return [
    `Medians of ${about.rounds} rounds of ${about.seconds} s. ${cpu}, ${memory}; ${cores}. Each ratio is the median of the ratios within a round. \\* marks a peer that was not the bottleneck (the load, the disk or another process was): there, compare by CPU.`,
    peers(named(first)),
    ours(tables),
    latencies(named(first), latency.map(named), named(half)),
    failed.length > 0 &&
      `Failed runs, because of a wrong answer or because the load generator was the limit (of those, only CPU counts): ${failed.join('; ')}.`,
    about.leftOut.length > 0 && `Left out: ${about.leftOut.join('; ')}.`,
    '![Throughput of each peer, as a multiple of nginx](results/throughput.svg)',
    '![Latency that each peer adds](results/latency.svg)',
  ]
    .filter((part) => part !== false)
    .join('\n\n');
}

const star = (table: Table, row: Row): string => (isLoadBound(table, row) ? '\\*' : '');

/** All peers in one scenario. */
function peers(table: Table): string {
  return markdownTable(
    [table.scenario.name, '× nginx', 'by CPU', 'calls/s', 'spread', 'CPU µs/call'],
    table.rows.map((row) => [
      row.peer,
      `${show(row.times[NGINX]?.rate, 2)}${star(table, row)}`,
      show(row.times[NGINX]?.cpu, 2),
      show(row.rate, 0),
      spread(row.rate),
      show(row.cpuMicros, 1),
    ]),
  );
}

/** Holdpoint alone, in all scenarios that show what a peer can do. */
function ours(tables: readonly Table[]): string {
  const lines = tables.flatMap((table): string[][] => {
    const row = table.rows.find(({ peer }) => peer === HOLDPOINT);
    if (!row || table.scenario.kind !== 'closed') return [];
    return [
      [
        table.scenario.name,
        `${show(row.times[NGINX]?.rate, 2)}${star(table, row)}`,
        show(row.times[NGINX]?.cpu, 2),
        show(row.times[HTTP_PROXY]?.rate, 2),
        show(row.times[NGINX_OPA]?.rate, 1),
        show(row.rate, 0),
        show(row.cpuMicros, 1),
      ],
    ];
  });
  return markdownTable(
    ['holdpoint', '× nginx', 'by CPU', '× http-proxy', '× nginx + OPA', 'calls/s', 'CPU µs/call'],
    lines,
  );
}

/** The time added to a call at a constant rate; and its whole time where a peer is half as busy as it can be. */
function latencies(all: Table, tables: readonly Table[], half: Table): string {
  const of = (table: Table, peer: string): Row | undefined => table.rows.find((row) => row.peer === peer);
  const proxies = all.rows.map(({ peer }) => peer).filter((peer) => peer !== DIRECT);
  return markdownTable(
    [
      'milliseconds, p50 / p99',
      ...tables.map(({ scenario }) => `added: ${scenario.name}`),
      `in all: ${half.scenario.name}`,
    ],
    proxies.map((peer) => [
      peer,
      ...tables.map((table) => `${show(of(table, peer)?.addedP50, 2)} / ${show(of(table, peer)?.addedP99, 2)}`),
      `${show(of(half, peer)?.p50, 2)} / ${show(of(half, peer)?.p99, 2)}`,
    ]),
  );
}
