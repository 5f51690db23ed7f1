import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { HOLDPOINT, NGINX } from '../../bench/peer-names.ts';
import type { Sample, Scenario } from '../../bench/plan.ts';
import { readmeBlock, readmeSummary, replaceBlock } from '../../bench/readme-block.ts';
import { get } from '../../bench/scenarios/get.ts';
import { postAtHalf } from '../../bench/scenarios/half-load.ts';
import { latencyGet, latencyPost } from '../../bench/scenarios/latency.ts';
import { postJson } from '../../bench/scenarios/post-json.ts';
import { summarise } from '../../bench/summary.ts';

test('the text between the marks is replaced, and the rest stays', () => {
  const text = 'before\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nafter\n';
  const once = replaceBlock(text, 'new\n');
  expect(once).toBe('before\n<!-- bench:begin -->\n\nnew\n\n<!-- bench:end -->\nafter\n');
  expect(replaceBlock(once, 'new')).toBe(once);
});

test.each([
  ['there are none', 'text'],
  ['the end is missing', '<!-- bench:begin --> text'],
  ['the end comes first', '<!-- bench:end --> text <!-- bench:begin -->'],
  ['the end comes first and again', '<!-- bench:end --> <!-- bench:begin --> text <!-- bench:end -->'],
  ['there are two', '<!-- bench:begin --> <!-- bench:end --> <!-- bench:begin --> <!-- bench:end -->'],
])('a text without exactly one pair of marks is refused: %s', (_, text) => {
  expect(() => replaceBlock(text, 'new')).toThrow('once each');
});

test.each(['README.md', 'bench/README.md'])('%s has a place for the figures', (page) => {
  const readme = readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8');
  expect(replaceBlock(readme, 'figures')).toContain('figures');
});

test('the block shows ratios first, marks rates that a peer did not set, and names failed runs', () => {
  const scenarios: readonly Scenario[] = [postJson, get, latencyGet, latencyPost, postAtHalf];
  const peers = [NGINX, HOLDPOINT];
  const samples = scenarios.flatMap(({ name: scenario }) =>
    peers.map((peer): Sample => {
      const ours = peer === HOLDPOINT;
      return {
        round: 1,
        scenario,
        peer,
        calls: 1,
        seconds: 1,
        p50: 1,
        p99: 2,
        rate: ours ? 40 : 100,
        cpuMicros: ours ? 20 : 10,
        elsewhereMicros: null,
        busy: ours ? 1 : 0.5,
        residents: [],
        failures: ours && scenario === get.name ? 7 : 0,
      };
    }),
  );
  const tables = scenarios.map((scenario) =>
    summarise(
      scenario,
      peers.map((name) => ({ name })),
      samples,
    ),
  );
  const block = readmeBlock(
    tables,
    { first: postJson.name, latency: [latencyGet.name, latencyPost.name], half: postAtHalf.name },
    {
      rounds: 1,
      seconds: 3,
      machine: { cpu: '2 × a processor', memory: '4 GiB', cores: 'pinned' },
      leftOut: ['Caddy: not installed'],
    },
  );
  expect(block).toMatch(/\| holdpoint +\| +0\.40 \| +0\.50 \|/);
  expect(block).toMatch(/\| nginx proxy_pass +\| +1\.00\\\* \|/);
  expect(block).toMatch(/^Failed runs, .*: GET, 64 connections, holdpoint \(1\)\.$/m);
  expect(block).toContain('Left out: Caddy: not installed.');
  expect(block).toContain('(results/throughput.svg)');
  const summary = readmeSummary(tables[0]!, tables[1]!);
  expect(summary).toContain('Holdpoint serves 0.50 × the calls of nginx');
  expect(summary).toContain('A call takes 20 µs of CPU');
});
