import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FACTS, YEAR } from '../../../bench/year/facts.ts';
import { DASHBOARDS } from './dashboards.ts';
import { asSent, type View } from './macros.ts';
import { ALL, DAY, openYear, PANELS, type YearInGrafana } from './year.ts';

/** What the data source shows as a value. A type for which its pkg/converters has no converter is shown as JSON. */
const READABLE =
  /^(?:Nullable\(.+\)|LowCardinality\(String\)|String|U?Int\d+|Float\d+|DateTime.*|SimpleAggregateFunction\(\w+, (?!LowCardinality).+\))$/;

let year: YearInGrafana;

beforeAll(async () => {
  year = await openYear();
}, 240_000);
afterAll(() => year[Symbol.asyncDispose]());

describe.each(PANELS)('$title', ({ targets, fieldConfig: { overrides } }) => {
  const rawSql = targets[0]!.rawSql!;

  test('runs at the endpoint of analysts and gives rows, in the format that Grafana asks for too', async () => {
    const { meta, data } = await year.query(rawSql);
    expect(data.length).toBeGreaterThan(0);
    expect(meta.filter(({ type }) => !READABLE.test(type))).toEqual([]);
    const columns = meta.map(({ name }) => name);
    for (const { matcher } of overrides) {
      expect(matcher.id).toBe('byName');
      expect(columns).toContain(matcher.options);
    }
    const native = await year.ask(asSent(rawSql, ALL), 'Native');
    expect(native.headers.get('x-clickhouse-format')).toBe('Native');
    // Eight bytes about the block, then the number of its columns.
    expect(Buffer.from(await native.arrayBuffer())[8]).toBe(meta.length);
  });

  test('is narrowed by the chosen systems and agents, which are values and never SQL', async () => {
    const narrowed = async (system: readonly string[], agent?: readonly string[]) =>
      (await year.query(rawSql, { ...ALL, chosen: { system, ...(agent && { agent }) } })).data;
    const two = await narrowed(['erp', 'crm']);
    expect(two).not.toEqual((await year.query(rawSql)).data);
    const systems = new Set(two.flatMap((row) => ('system' in row ? [row['system']] : [])));
    expect([...systems].filter((system) => system !== 'erp' && system !== 'crm')).toEqual([]);
    const nothing = await narrowed(['erp', 'crm'], ["' OR 1 = 1 --", "o'neil"]);
    for (const row of nothing) expect(Object.values(row).filter((value) => value !== 0 && value !== null)).toEqual([]);
  });
});

test.each(PANELS.filter(({ targets }) => targets[0]!.format === 0))(
  '$title is a time series: a time in ascending order, numbers, and at most one name',
  async ({ targets }) => {
    const { meta, data } = await year.query(targets[0]!.rawSql!);
    const [time, ...others] = meta;
    expect(time).toMatchObject({ name: 'time', type: expect.stringMatching(/^DateTime/) });
    const times = data.map((row) => String(row['time']));
    expect(times).toEqual(times.toSorted());
    expect(others.filter(({ type }) => type.includes('String')).length).toBeLessThanOrEqual(1);
    expect(others.some(({ type }) => /Int|Float/.test(type))).toBe(true);
  },
);

test.each(PANELS.filter(({ type }) => type === 'barchart'))(
  '$title has a text for each bar, and numbers',
  async ({ targets, options }) => {
    const { meta, data } = await year.query(targets[0]!.rawSql!);
    const [bar, ...values] = meta;
    expect(bar).toMatchObject({ name: options.xField, type: expect.stringContaining('String') });
    expect(values.map(({ type }) => type)).toEqual(values.map(() => 'UInt64'));
    expect(new Set(data.map((row) => row[bar!.name])).size).toBe(data.length);
  },
);

test('the variables offer the systems and agents of the period', async () => {
  for (const { templating } of DASHBOARDS.filter(({ uid }) => uid !== 'holdpoint-gateway')) {
    const offered = async (name: string, view: View) => {
      const variable = templating.list.find((each) => each.name === name)!;
      const { rawSql } = variable.query as { rawSql: string };
      expect(variable.definition).toBe(rawSql);
      return (await year.query(rawSql, view)).data.map((row) => row[name]);
    };
    expect(await offered('system', ALL)).toEqual([...new Set(year.stories.map(({ system }) => system))].toSorted());
    expect(await offered('agent', ALL)).toEqual([...new Set(year.stories.map(({ agent }) => agent))].toSorted());
    const { agent, system } = FACTS.missedHolds;
    expect(await offered('agent', { ...ALL, chosen: { system: [system] } })).toContain(agent);
    expect(await offered('agent', { ...ALL, chosen: { system: ['nothing'] } })).toEqual([]);
    expect(await offered('system', { ...ALL, from: YEAR.from - 2 * DAY, to: YEAR.from - DAY })).toEqual([]);
  }
});
