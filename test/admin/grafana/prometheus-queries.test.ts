import { parser } from '@prometheus-io/lezer-promql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashToken } from '../../../gateway/identify/token.ts';
import { writeFiles, type TempFolder } from '../../helpers/folder.ts';
import {
  createPlace,
  eventually,
  freePort,
  REVIEWER_TOKEN,
  send,
  TOKEN,
  type Place,
  type RunningGateway,
} from '../../helpers/gateway.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';
import { DASHBOARDS, panelsOf } from './dashboards.ts';
import { promqlOf, readMetrics, selectorsIn, type Metrics } from './promql.ts';

/** Prometheus adds these to every series that it scrapes. */
const SCRAPED = ['instance', 'job'];

const POLICY = `package rules.github

allow contains {"rule": "read"} if input.action.method == "GET"

hold contains {"rule": "write"} if input.action.method == "PUT"

drift contains {"rule": "other"} if input.answer.body.ok == true
`;

const QUERIES = panelsOf('prometheus').flatMap(({ title, targets }) =>
  targets.map(({ expr, legendFormat }) => ({ title, expr: expr!, legend: legendFormat! })),
);

let policies: TempFolder;
let upstream: Upstream;
let place: Place;
let gateway: RunningGateway;
let metrics: Metrics;

/** A gateway to which everything happened that its metrics tell of once it happens. */
beforeAll(async () => {
  policies = writeFiles({ 'github.rego': POLICY });
  upstream = await startUpstream();
  const url = `http://127.0.0.1:${await freePort()}`;
  const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
  place = await createPlace(upstream.url, {
    policies: policies.path,
    notify: { webhooks: { nobody: { url, secret } } },
    agents: [{ id: 'bot', owner: 'ana@example.com', token_sha256: hashToken(TOKEN), systems: ['github'] }],
    reviewers: [{ id: 'ben@example.com', token_sha256: hashToken(REVIEWER_TOKEN), groups: ['all'] }],
  });
  gateway = await place.start();
  await gateway.call({ path: '/github/a/allowed' });
  await gateway.call({ method: 'DELETE', path: '/github/a/blocked' });
  void gateway.call({ method: 'PUT', path: '/github/a/held/x', body: '{}' }).catch(() => {});
  await gateway.holdOf('held');
  // After so many, each worker counts what it refuses. Which worker gets a connection is chance.
  await eventually('wrong tokens are refused', async () => {
    const wrong = { path: '/github/a', headers: { authorization: 'Bearer hp_guessed' } };
    return (await gateway.call(wrong)).status === 429;
  });
  const told = async (name: string) => (await scrape()).labels.get(name)?.size ?? 0;
  await eventually('drift is found', async () => (await told('holdpoint_drift_checks_total')) > 0);
  await eventually('a notification failed', async () => (await told('holdpoint_notices_total')) > 0);
  metrics = await scrape();
});
afterAll(async () => {
  await gateway?.stop();
  await place?.remove();
  await upstream?.close();
  policies?.remove();
});

async function scrape(): Promise<Metrics> {
  return readMetrics((await send(gateway.adminUrl, { path: '/metrics' })).text);
}

describe.each(QUERIES)('$title: $legend', ({ expr, legend }) => {
  const { selectors, grouping, errors } = selectorsIn(promqlOf(expr));
  const labelsOf = (name: string) => [...SCRAPED, ...(metrics.labels.get(name)?.keys() ?? [])];

  test('is PromQL', () => {
    expect(errors).toEqual([]);
    expect(selectors.length).toBeGreaterThan(0);
  });

  test('asks for metrics, labels and values that a running gateway prints', () => {
    for (const { metric, matchers } of selectors) {
      expect(metrics.names).toContain(metric);
      for (const { label, operator, value } of matchers) {
        expect(labelsOf(metric)).toContain(label);
        const values = [...(metrics.labels.get(metric)?.get(label) ?? [])];
        expect(operator === '=' ? values : [value]).toContain(value);
      }
    }
  });

  test('groups by labels that all of its metrics have, and names each line by them', () => {
    for (const label of grouping) for (const { metric } of selectors) expect(labelsOf(metric)).toContain(label);
    for (const [, label] of legend.matchAll(/\{\{(\w+)\}\}/g)) expect(grouping).toContain(label);
  });

  test('is of the chosen gateways', () => {
    for (const { matchers } of selectors)
      expect(matchers).toContainEqual({ label: 'instance', operator: '=~', value: '.*' });
  });
});

test('a regular expression in a query matches what a running gateway prints', () => {
  const patterns = QUERIES.flatMap(({ expr }) => selectorsIn(promqlOf(expr)).selectors).flatMap(
    ({ metric, matchers }) =>
      matchers
        .filter(({ label, operator }) => operator === '=~' && !SCRAPED.includes(label))
        .map(({ label, value }) => ({ metric, label, value })),
  );
  expect(patterns.length).toBeGreaterThan(3);
  for (const { metric, label, value } of patterns) {
    const printed = [...metrics.labels.get(metric)!.get(label)!];
    expect({ metric, label, value, fits: printed.some((each) => new RegExp(`^(?:${value})$`).test(each)) }).toEqual({
      metric,
      label,
      value,
      fits: true,
    });
  }
});

test('the variables offer labels that a running gateway prints', () => {
  const { templating } = DASHBOARDS.find(({ uid }) => uid === 'holdpoint-gateway')!;
  const asked = templating.list.flatMap(({ type, definition }) => (type === 'query' ? [definition!] : []));
  expect(asked).toHaveLength(2);
  for (const definition of asked) {
    const [, metric, label] = definition.match(/^label_values\((\w+), (\w+)\)$/)!;
    expect(metrics.names).toContain(metric);
    expect([...SCRAPED, ...(metrics.labels.get(metric!)?.keys() ?? [])]).toContain(label);
  }
});

test('the parser sees what is wrong', () => {
  expect(parser.parse('sum(rate(a[5m]))').toString()).not.toContain('⚠');
  for (const wrong of ['sum(a', 'rate(a[5])by', 'sum by (a', 'a{b=c}'])
    expect(selectorsIn(wrong).errors).not.toEqual([]);
});
