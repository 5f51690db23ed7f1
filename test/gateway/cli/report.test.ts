import { describe, expect, test } from 'vitest';
import { bar, shade, sparkline } from '../../../gateway/cli/pages/report-drawing.ts';
import { reportHelp, reportPage, type Paper } from '../../../gateway/cli/pages/report-page.ts';
import { shown } from '../../../gateway/cli/pages/report-values.ts';
import { listReports, printReport } from '../../../gateway/cli/pages/report.ts';
import type { ReportColumn, ReportResult, ReportRow, Unit } from '../../../gateway/domain/report.ts';

const PLAIN: Paper = { width: 80, colour: false };

function result(chart: ReportResult['chart'], units: Record<string, Unit>, rows: readonly ReportRow[]): ReportResult {
  const columns = Object.entries(units).map(([name, unit]): ReportColumn => ({ name, unit, about: `The ${name}.` }));
  const period = { type: 'time', about: 'When.' } as const;
  return {
    name: 'example',
    title: 'Example',
    finding: null,
    attention: null,
    calls: null,
    question: 'What is it?',
    act: 'Do something about it.',
    chart,
    parameters: [
      { ...period, name: 'from', default: '30d', value: '2026-03-01T00:00:00.000Z' },
      { ...period, name: 'to', default: 'now', value: '2026-03-31T12:30:00.000Z' },
      { name: 'agent', type: 'text', default: '', about: 'Whose.', value: '' },
      { name: 'fast', type: 'duration', default: '10s', about: 'How fast.', value: 10_000 },
    ],
    columns,
    rows,
    statistics: { elapsed: 0.1, rows_read: 1, bytes_read: 1 },
  };
}

const COST = result(
  { kind: 'bar', label: ['agent'], value: 'cost' },
  { agent: 'text', owner: 'text', cost: 'cost', cost_unit: 'text', share: 'share', took_ms: 'ms', last_at: 'time' },
  [
    {
      agent: 'billing-bot',
      owner: '',
      cost: 1234.5,
      cost_unit: 'EUR',
      share: 0.75,
      took_ms: 340,
      last_at: '2026-03-30T10:00:00.000Z',
    },
    { agent: 'mail-bot', owner: '', cost: 411.5, cost_unit: 'EUR', share: 0.25, took_ms: 90_000, last_at: null },
    { agent: 'writer', owner: '', cost: 2_500_000, cost_unit: 'tokens', share: 1, took_ms: null, last_at: null },
  ],
);

test('a report draws bars beside aligned columns, each unit of cost on a scale of its own, without columns that are empty', () => {
  expect(reportPage(COST, { ...PLAIN, width: 100 })).toMatchInlineSnapshot(`
    "Example
    What is it?
    2026-03-01 00:00 to 2026-03-31 12:30 UTC · fast 10 s

    agent                 cost    share   took_ms           last_at
    billing-bot    1234.50 EUR   75.0 %    340 ms  2026-03-30 10:00  ████████████████████████
    mail-bot        411.50 EUR   25.0 %  1.50 min                 -  ████████
    writer       2.50 M tokens  100.0 %         -                 -  ████████████████████████

    Do something about it.
    "
  `);
});

test('a report cuts the widest text where the terminal is narrow, and no line is wider than it', () => {
  const wide = {
    ...COST,
    rows: COST.rows.map((row) => ({ ...row, agent: `${String(row['agent'])}-of-the-finance-team` })),
  };
  const page = reportPage(wide, { ...PLAIN, width: 88 });
  expect(page).toContain('…');
  expect(Math.max(...page.split('\n').map((line) => [...line].length))).toBeLessThanOrEqual(88);
});

test('a report puts long text below its line', () => {
  const long = result({ kind: 'table' }, { code: 'text', prevention: 'text' }, [
    {
      code: 'wrong-amount',
      prevention: 'Have the agent name its task, and let policy refuse the call without it, always.',
    },
  ]);
  expect(reportPage(long, { ...PLAIN, width: 60 })).toMatchInlineSnapshot(`
    "Example
    What is it?
    2026-03-01 00:00 to 2026-03-31 12:30 UTC · fast 10 s

    code
    wrong-amount
        prevention: Have the agent name its task, and let policy
        refuse the call without it, always.

    Do something about it.
    "
  `);
});

test('a report draws series as sparklines over their table', () => {
  const rows = [0, 3, 10, null, 7].map((calls, n) => ({
    at: `2026-03-0${n + 1}T00:00:00Z`,
    calls,
    blocked: n === 2 ? 1 : 0,
  }));
  const series = result(
    { kind: 'line', x: 'at', y: ['calls', 'blocked'] },
    { at: 'time', calls: 'count', blocked: 'count' },
    rows,
  );
  expect(reportPage(series, PLAIN)).toMatchInlineSnapshot(`
    "Example
    What is it?
    2026-03-01 00:00 to 2026-03-31 12:30 UTC · fast 10 s

    calls    ·▃█·▆  0 to 10
    blocked  ··█··  0 to 1

                  at  calls  blocked
    2026-03-01 00:00      0        0
    2026-03-02 00:00      3        0
    2026-03-03 00:00     10        1
    2026-03-04 00:00      -        0
    2026-03-05 00:00      7        0

    Do something about it.
    "
  `);
});

test('a report draws a heat map with what is empty in it', () => {
  const rows = [
    { weekday: 1, hour: 9, holds: 40 },
    { weekday: 1, hour: 11, holds: 10 },
    { weekday: 3, hour: 9, holds: 1 },
  ];
  const heat = result(
    { kind: 'heat', x: 'hour', y: 'weekday', value: 'holds' },
    { weekday: 'number', hour: 'number', holds: 'count' },
    rows,
  );
  expect(reportPage(heat, PLAIN)).toMatchInlineSnapshot(`
    "Example
    What is it?
    2026-03-01 00:00 to 2026-03-31 12:30 UTC · fast 10 s

          9 10 11
    Mon  ██    ░░  50
    Tue            0
    Wed  ░░        1
    █ is 40 holds in one hour

    Do something about it.
    "
  `);
});

test('a report without rows says so, and advises nothing', () => {
  const page = reportPage({ ...COST, rows: [] }, PLAIN);
  expect(page).toContain('No data in this period.');
  expect(page).not.toContain('Do something');
});

test('a report that does not show all lines says how many there are', () => {
  const rows = Array.from({ length: 60 }, (_, n) => ({ agent: `bot-${n}`, calls: 60 - n }));
  const page = reportPage(
    result({ kind: 'bar', label: ['agent'], value: 'calls' }, { agent: 'text', calls: 'count' }, rows),
    PLAIN,
  );
  expect(page).toContain('bot-39');
  expect(page).not.toContain('bot-40');
  expect(page).toContain('40 of 60 lines; --csv and --json have all.');
});

test('a report uses colour only where it may, and for nothing that is not said in words', () => {
  const coloured = reportPage(COST, { ...PLAIN, colour: true });
  expect(coloured).toContain('\u001B[1mExample\u001B[0m');
  // oxlint-disable-next-line no-control-regex
  expect(coloured.replaceAll(/\u001B\[\d*m/g, '')).toBe(reportPage(COST, PLAIN));
});

test('text of an agent cannot paint on the terminal', () => {
  const rows = COST.rows.map((row) => ({ ...row, agent: 'x\u001B[2J\u202E', cost_unit: '\u001B[31m' }));
  const page = reportPage({ ...COST, rows }, { ...PLAIN, width: 200 });
  // oxlint-disable-next-line no-control-regex
  expect(page).not.toMatch(/[\u001B\u202E]/);
  expect(page).toContain('x\\u{1b}[2J\\u{202e}');
});

describe('values for people', () => {
  test.each<[value: number | string | null | readonly string[], unit: Unit, text: string]>([
    [0, 'count', '0'],
    [999, 'count', '999'],
    [1234, 'count', '1.23 k'],
    [12_345, 'count', '12.3 k'],
    [999_999, 'count', '1.00 M'],
    [123_456_789, 'count', '123 M'],
    [0.5, 'share', '50.0 %'],
    [0.9999, 'share', '99.9 %'],
    [1, 'share', '100.0 %'],
    [0, 'ms', '0 ms'],
    [340, 'ms', '340 ms'],
    [1500, 'ms', '1.50 s'],
    [90_000, 'ms', '1.50 min'],
    [7_200_000, 'ms', '2 h'],
    [86_400_000, 'ms', '1 d'],
    [59.06, 'us', '59.1 µs'],
    [1410, 'us', '1.41 ms'],
    [2_000_000, 'bytes', '2 MB'],
    [2.5, 'cost', '2.50 EUR'],
    [null, 'count', '-'],
    ['', 'text', '-'],
    [[], 'names', '-'],
    [['a', 'b'], 'names', 'a, b'],
    ['2026-03-30T10:00:00.000Z', 'time', '2026-03-30 10:00'],
    ['2026-03-30T10:00:00Z', 'time', '2026-03-30 10:00'],
  ])('the value %j in %s is printed as %j', (value, unit, text) => {
    expect(shown(value, unit, { cost_unit: 'EUR' })).toBe(text);
  });
});

test('bars, sparklines and shades end where the scale ends, and show what is small', () => {
  expect(bar(10, 10, 4)).toBe('████');
  expect(bar(5, 10, 4)).toBe('██');
  expect(bar(1, 32, 4)).toBe('▏');
  expect(bar(1e-9, 10, 4)).toBe('▏');
  expect(bar(0, 10, 4)).toBe('');
  expect(bar(0, 0, 4)).toBe('');
  expect(bar(20, 10, 4)).toBe('████');
  expect(sparkline([0, 1, 4, 8, null])).toBe('·▁▄█·');
  expect(sparkline([])).toBe('');
  expect([0, 1, 50, 100].map((value) => shade(value, 100)).join('')).toBe(' ░▒█');
});

describe('for scripts', () => {
  const printed = async (form: 'json' | 'csv') => {
    let text = '';
    const reports = { run: async (name: string, given: object) => ({ ...COST, name, given }) };
    await printReport(
      reports,
      { out: (more) => void (text += more) },
      { name: 'cost', given: { from: '1d' }, form },
      PLAIN,
    );
    return text;
  };

  test('report --json prints the whole answer', async () => {
    expect(JSON.parse(await printed('json'))).toMatchObject({ name: 'cost', given: { from: '1d' }, rows: COST.rows });
  });

  test('report --csv prints the rows alone', async () => {
    const [head, first] = (await printed('csv')).split('\r\n');
    expect(head).toBe('agent,owner,cost,cost_unit,share,took_ms,last_at');
    expect(first).toBe('billing-bot,,1234.5,EUR,0.75,340,2026-03-30T10:00:00.000Z');
  });
});

test('the list gives each report with its question, and help its parameters and columns', () => {
  let text = '';
  listReports([COST, { ...COST, name: 'other-one' }], { out: (more) => void (text += more) }, 'page', PLAIN);
  expect(text).toBe('example    What is it?\nother-one  What is it?\n');
  expect(reportHelp(COST, PLAIN)).toMatchInlineSnapshot(`
    "Example
    What is it?

    Parameters
      from
        When. Default 30d.
      to
        When. Default now.
      agent
        Whose.
      fast
        How fast. Default 10s.

    Columns
      agent
        The agent.
      owner
        The owner.
      cost
        The cost.
      cost_unit
        The cost_unit.
      share
        The share.
      took_ms
        The took_ms.
      last_at
        The last_at.

    What to do about it
      Do something about it.
    "
  `);
});
