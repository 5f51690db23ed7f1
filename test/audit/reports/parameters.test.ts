import { describe, expect, test } from 'vitest';
import { bindParameters } from '../../../audit/reports/report-parameters.ts';
import { BadParameter, type ReportParameter } from '../../../gateway/domain/report.ts';

const NOW = Date.parse('2026-04-01T12:00:00Z');
const PARAMETERS: readonly ReportParameter[] = [
  { name: 'from', type: 'time', default: '30d', about: '' },
  { name: 'to', type: 'time', default: 'now', about: '' },
  { name: 'agent', type: 'text', default: '', about: '' },
  { name: 'least', type: 'count', default: '20', about: '' },
  { name: 'share', type: 'share', default: '0.95', about: '' },
  { name: 'fast', type: 'duration', default: '10s', about: '' },
  { name: 'step', type: 'step', default: 'auto', about: '' },
  { name: 'by', type: 'choice', default: 'agent', of: ['agent', 'owner'], about: '' },
];

function bound(given: Record<string, string> = {}): Record<string, string | number> {
  const all = bindParameters(PARAMETERS, given, NOW);
  return Object.fromEntries(all.map(({ parameter, value }) => [parameter.name, value]));
}

test('a report parameter that is not given has its default', () => {
  expect(bound()).toEqual({
    from: '2026-03-02T12:00:00.000Z',
    to: '2026-04-01T12:00:00.000Z',
    agent: '',
    least: 20,
    share: 0.95,
    fast: 10_000,
    step: 86_400,
    by: 'agent',
  });
});

test.each([
  [{ from: '2026-01-01', to: '2026-02-01' }, '2026-01-01T00:00:00.000Z', '2026-02-01T00:00:00.000Z'],
  [{ from: '2026-01-01T08:00:00+02:00' }, '2026-01-01T06:00:00.000Z', '2026-04-01T12:00:00.000Z'],
  [{ from: '36h' }, '2026-03-31T00:00:00.000Z', '2026-04-01T12:00:00.000Z'],
  [{ to: '2026-02-01' }, '2026-01-02T00:00:00.000Z', '2026-02-01T00:00:00.000Z'],
  [{ from: '1d', to: '7d' }, '2026-03-24T12:00:00.000Z', '2026-03-25T12:00:00.000Z'],
])('a period can be given as %j', (given, from, to) => {
  expect(bound(given)).toMatchObject({ from, to });
});

test.each([
  ['1h', 60],
  ['1d', 3600],
  ['7d', 21_600],
  ['90d', 86_400],
  ['365d', 604_800],
  ['3650d', 604_800],
])('a series over %s has steps of %i seconds by default', (from, step) => {
  expect(bound({ from })['step']).toBe(step);
  expect(bound({ from, step: '15m' })['step']).toBe(900);
});

describe('an invalid report parameter is refused, with what was expected', () => {
  test.each([
    ['from', 'yesterday', 'expected a moment'],
    ['from', '2026-02-30', 'expected a moment'],
    ['from', '2026-01-01T08:00:00', 'expected a moment'],
    ['from', '0001-01-01', 'expected a moment'],
    ['from', '-30d', 'expected a moment'],
    ['from', '2026-05-01', 'before the end of the period'],
    ['from', '0d', 'before the end of the period'],
    ['to', '99999999d', 'expected a moment'],
    ['least', '-1', 'a whole number'],
    ['least', '1e3', 'a whole number'],
    ['least', '20) OR (1', 'a whole number'],
    ['share', '1.5', 'from 0 to 1'],
    ['share', 'NaN', 'from 0 to 1'],
    ['fast', '10', 'a duration'],
    ['step', '90s', 'whole minutes'],
    ['step', '0m', 'whole minutes'],
    ['by', 'system', 'one of agent, owner'],
    ['agent', 'x'.repeat(501), 'at most 500 characters'],
    ['table', 'holds', 'no such parameter'],
    ['__proto__', 'x', 'no such parameter'],
  ])('%s=%s', (name, value, expected) => {
    const given = Object.fromEntries([[name, value]]);
    expect(() => bindParameters(PARAMETERS, given, NOW)).toThrow(BadParameter);
    expect(() => bindParameters(PARAMETERS, given, NOW)).toThrow(expected);
  });
});
