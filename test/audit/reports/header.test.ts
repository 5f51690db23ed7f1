import { describe, expect, test } from 'vitest';
import { BadReport, parseReport } from '../../../audit/reports/report-header.ts';
import { loadReports } from '../../../audit/reports/reports.ts';
import { FAILURES } from '../../../gateway/domain/event.ts';

const PERIOD = "at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}";
const GOOD = `/*
title: Calls
question: How many?
act: Look.
chart: { kind: bar, label: [agent], value: calls }
period: 30d
only: [agent]
parameters:
  fast: { type: duration, default: 10s, about: 'Flagged below.' }
columns:
  agent: { unit: text, about: Who. }
  calls: { unit: count, about: How many. }
*/
SELECT agent, count() AS calls
FROM holdpoint.events
WHERE ${PERIOD}
    AND ({agent:String} = '' OR agent = {agent:String}) AND took_ms < {fast:UInt64}
GROUP BY agent`;

test('the header of a report is read', () => {
  const { header, sql } = parseReport('calls', 'calls.sql', GOOD);
  expect(header).toMatchObject({
    name: 'calls',
    title: 'Calls',
    question: 'How many?',
    act: 'Look.',
    chart: { kind: 'bar', label: ['agent'], value: 'calls' },
    columns: [
      { name: 'agent', unit: 'text', about: 'Who.' },
      { name: 'calls', unit: 'count', about: 'How many.' },
    ],
  });
  expect(header.parameters.map(({ name, type, default: given }) => [name, type, given])).toEqual([
    ['from', 'time', '30d'],
    ['to', 'time', 'now'],
    ['agent', 'text', ''],
    ['fast', 'duration', '10s'],
  ]);
  expect(sql.startsWith('SELECT agent')).toBe(true);
});

describe('a malformed report is an error that names the file, the line and what was expected', () => {
  const without = (line: RegExp) => GOOD.replace(line, '');
  test.each<[what: string, text: string, told: RegExp]>([
    ['no header', 'SELECT 1', /^calls\.sql:1: expected a header/],
    ['a header that does not end', GOOD.replace('*/', ''), /^calls\.sql:1: expected a header/],
    ['broken YAML', GOOD.replace('act: Look.', 'act: [Look.'), /^calls\.sql:\d+: the header is no YAML/],
    ['no question', without(/question:.*\n/), /^calls\.sql:\d+: question: /],
    ['an empty title', GOOD.replace('title: Calls', 'title: ""'), /^calls\.sql:2: title: expected some words/],
    ['a member that nobody knows', GOOD.replace('act:', 'moral: x\nact:'), /^calls\.sql:\d+: .*moral/],
    [
      'a unit that nobody knows',
      GOOD.replace('unit: count', 'unit: parsecs'),
      /^calls\.sql:12: columns\.calls\.unit: /,
    ],
    ['a period without a unit', GOOD.replace('30d', '30'), /^calls\.sql:6: period: /],
    [
      'a chart of a column that is not there',
      GOOD.replace('value: calls', 'value: cost'),
      /^calls\.sql:5: chart\.value: there is no column "cost"/,
    ],
    [
      'a finding with a column that is not there',
      GOOD.replace('act: Look.', "act: Look.\nfinding: '{agent} cost {cost}.'"),
      /^calls\.sql:5: finding: there is no column "cost"/,
    ],
    [
      'attention by a column that is not there',
      GOOD.replace('act: Look.', 'act: Look.\nattention: blocked'),
      /^calls\.sql:5: attention: there is no column "blocked"/,
    ],
    [
      'calls by a column that is not there',
      GOOD.replace('act: Look.', 'act: Look.\ncalls: { by: [system] }'),
      /^calls\.sql:5: calls\.by: there is no column "system"/,
    ],
    [
      'calls by what no call is found by',
      GOOD.replace('act: Look.', 'act: Look.\ncalls: { by: [calls] }'),
      /^calls\.sql:5: calls\.by\.0: /,
    ],
    ['a kind of chart that nobody knows', GOOD.replace('kind: bar', 'kind: pie'), /^calls\.sql:5: chart\.kind: /],
    [
      'a default that is no duration',
      GOOD.replace('default: 10s', 'default: soon'),
      /^calls\.sql:9: parameters\.fast\.default: expected a duration/,
    ],
    ['a parameter named like the period', GOOD.replace('fast: {', 'from: {'), /^calls\.sql:9: parameters\.from: /],
    [
      'a choice without its default',
      GOOD.replace('type: duration, default: 10s', 'type: choice, of: [a, b], default: c'),
      /^calls\.sql:9: parameters\.fast\.default: expected one of/,
    ],
    [
      'a placeholder without a parameter',
      GOOD.replace('{fast:UInt64}', '{slow:UInt64}'),
      /^calls\.sql:17: the header has no parameter "slow"/,
    ],
    [
      'a placeholder of another type',
      GOOD.replace('{fast:UInt64}', '{fast:String}'),
      /^calls\.sql:17: "fast" is bound as UInt64/,
    ],
    [
      'a parameter that is not used',
      GOOD.replace('AND took_ms < {fast:UInt64}', ''),
      /does not use the parameter "fast"/,
    ],
    ['no period', GOOD.replace(PERIOD, '1'), /does not use the parameter "from"/],
    ['a second statement', `${GOOD};\nDROP TABLE x`, /^calls\.sql:18: ";" is not allowed in a report/],
    ['settings of its own', `${GOOD}\nSETTINGS max_execution_time = 0`, /^calls\.sql:19: "SETTINGS"/],
    ['a format of its own', `${GOOD}\nFORMAT Null`, /^calls\.sql:19: "FORMAT Null"/],
    ['no SELECT', GOOD.replace('SELECT', 'INSERT'), /^calls\.sql:14: expected SELECT/],
  ])('%s', (_what, text, told) => {
    const parse = () => parseReport('calls', 'calls.sql', text);
    expect(parse).toThrow(BadReport);
    expect(parse).toThrow(told);
  });

  test('a name that is not kebab-case', () => {
    expect(() => parseReport('Calls 2', 'Calls 2.sql', GOOD)).toThrow(/^Calls 2\.sql:1: expected a name/);
  });
});

test('every shipped report can be read, and has a default period', async () => {
  const reports = await loadReports();
  expect(reports.length).toBeGreaterThanOrEqual(20);
  for (const { header } of reports) {
    expect(header.question).toMatch(/\?$/);
    expect(header.parameters[0]).toMatchObject({ name: 'from', default: expect.stringMatching(/^\d+d$/) });
    // A cost needs its unit beside it.
    const units = header.columns.map(({ unit }) => unit);
    expect(header.columns.some(({ name }) => name === 'cost_unit')).toBe(units.includes('cost'));
  }
});

test('the layers of the failures are those of the vocabulary', async () => {
  const { sql } = (await loadReports()).find(({ header }) => header.name === 'failures')!;
  const [, classes = '', layers = ''] = /transform\(e\.failure,\s*\[(.*?)\],\s*\[(.*?)\]/s.exec(sql) ?? [];
  const words = (list: string) => [...list.matchAll(/'([^']+)'/g)].map(([, word]) => word!);
  const inReport = Object.fromEntries(words(classes).map((name, at) => [name, words(layers)[at]]));
  expect(inReport).toEqual(Object.fromEntries(Object.entries(FAILURES).map(([name, { layer }]) => [name, layer])));
});
