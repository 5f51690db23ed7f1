import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Evaluation } from './evaluation.ts';
import { markdownTable } from './markdown-table.ts';
import { HOLDPOINT } from './peer-names.ts';
import { latencyPlot, throughputPlot } from './plots.ts';
import { readmeBlock, readmeSummary, replaceBlock } from './readme-block.ts';
import type { Found } from './rounds.ts';
import { get } from './scenarios/get.ts';
import { postAtHalf } from './scenarios/half-load.ts';
import { latencyGet, latencyPost } from './scenarios/latency.ts';
import { post10KB } from './scenarios/long-bodies.ts';
import { postJson } from './scenarios/post-json.ts';
import { progress } from './scenarios/progress.ts';
import { serverSentEvents } from './scenarios/server-sent-events.ts';
import { latencyCallTool } from './scenarios/tool-call.ts';
import { toMarkdown } from './summary.ts';
import type { Table } from './summary.ts';

const RESULTS = new URL('results/', import.meta.url);
const PAGE = new URL('README.md', import.meta.url);
const README = new URL('../README.md', import.meta.url);

export type Report = Found & {
  readonly rounds: number;
  readonly seconds: number;
  /** On what it was measured, with which versions. */
  readonly machine: Readonly<Record<string, string>>;
  readonly tables: readonly Table[];
  readonly evaluation: Evaluation | null;
  /** Names of peers that are not installed, and of scenarios for which something is missing. */
  readonly leftOut: readonly string[];
};

/** The whole of it as Markdown. */
export function toText({ rounds, seconds, machine, tables, evaluation, samples, broken, leftOut }: Report): string {
  const list = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n');
  const resident = samples.findLast((sample) => sample.peer === HOLDPOINT)?.residents ?? [];
  return [
    `## Benchmark, ${new Date().toISOString().slice(0, 10)}`,
    `Medians of ${rounds} rounds of ${seconds} s; ratios are taken within a round. How: [README](../README.md).`,
    ...tables.map(toMarkdown),
    evaluation && `### One decision, alone\n\n${evaluationTable(evaluation)}`,
    resident.length > 0 && '### Resident memory of Holdpoint after the last run',
    list(resident.map(({ process, mebibytes }) => `${process}: ${Math.round(mebibytes)} MiB`)),
    broken.length > 0 && `### Runs that broke\n\n${list(broken)}`,
    leftOut.length > 0 && `### Left out\n\n${list(leftOut)}`,
    '### Machine and versions',
    list(Object.entries(machine).map(([name, value]) => `${name}: ${value}`)),
  ]
    .filter(Boolean)
    .join('\n\n');
}

/** Microseconds, p50 and p99 of each kind of call. */
function evaluationTable({ among }: Evaluation): string {
  const micros = ({ p50, p99 }: { readonly p50: number; readonly p99: number }) =>
    `${p50.toFixed(1)} / ${p99.toFixed(1)}`;
  return markdownTable(
    ['systems with rules', 'new refund µs, p50 / p99', 'read', 'the same again'],
    among.map((each) => [String(each.systems), micros(each), micros(each.read), micros(each.again)]),
  );
}

export function writeResults(report: Report, text: string): void {
  mkdirSync(RESULTS, { recursive: true });
  // A scenario by its name: the bodies that it sends would be most of the file.
  const tables = report.tables.map(({ scenario, rows }) => ({ scenario: scenario.name, rows }));
  const json = { at: new Date().toISOString(), ...report, tables };
  writeFileSync(new URL('latest.md', RESULTS), `${text}\n`);
  writeFileSync(new URL('latest.json', RESULTS), `${JSON.stringify(json, null, 2)}\n`);
}

/** The plots, and what both READMEs show, of a run of everything that is installed. */
export function writeReadmes({ tables, rounds, seconds, machine, leftOut }: Report): void {
  const named = (...names: readonly string[]): Table[] =>
    names.map((name) => tables.find(({ scenario }) => scenario.name === name)!);
  writeFileSync(new URL('throughput.svg', RESULTS), throughputPlot(named(postJson.name, get.name)));
  writeFileSync(new URL('latency.svg', RESULTS), latencyPlot(named(latencyGet.name, latencyPost.name)));
  const shown = {
    first: postJson.name,
    latency: [latencyGet, latencyPost, latencyCallTool, serverSentEvents, progress].map(({ name }) => name),
    half: postAtHalf.name,
  };
  const write = (page: URL, block: string): void =>
    writeFileSync(page, replaceBlock(readFileSync(page, 'utf8'), block));
  write(PAGE, readmeBlock(tables, shown, { rounds, seconds, machine, leftOut }));
  const [short, long] = named(postJson.name, post10KB.name);
  write(README, readmeSummary(short!, long!));
}
