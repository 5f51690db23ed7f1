import { describe, expect, test } from 'vitest';
import { othersOf, rulesOf } from '../../../admin/console/policy/rules.ts';

const source = (rule: string | null, verdict: 'allow' | 'hold' | 'block', line: number) => {
  return { package: 'rules.crm', rule, verdict, file: 'rules/crm.rego', line };
};
const hits = (rule: string, verdict: string, count: number, more: object = {}) => {
  return {
    rule: `rules.crm/${rule}`,
    verdict,
    hits: count,
    agents: 1,
    levels: [],
    last_at: '2026-01-01T00:00:00.000Z',
    ...more,
  };
};

describe('rules with what they did', () => {
  test('a rule that several places define is one rule with all its places, and one name with two verdicts is two', () => {
    const sources = [source('bulk', 'hold', 3), source('bulk', 'hold', 9), source('bulk', 'block', 20)];
    const rules = rulesOf(sources, [hits('bulk', 'hold', 2, { levels: [2, 3] }), hits('bulk', 'block', 5)]);
    expect(rules).toMatchObject([
      { verdict: 'hold', hits: 2, levels: [2, 3], places: [{ line: 3 }, { line: 9 }] },
      { verdict: 'block', hits: 5, levels: [], places: [{ line: 20 }] },
    ]);
  });

  test('a hold of level 4 is recorded as a block, and counts for the rule that holds', () => {
    const at = '2026-02-01T00:00:00.000Z';
    const found = [hits('bulk', 'hold', 2, { levels: [3] }), hits('bulk', 'block', 5, { last_at: at })];
    expect(rulesOf([source('bulk', 'hold', 3)], found)).toMatchObject([{ hits: 7, levels: [3, 4], lastAt: at }]);
  });

  test('a rule with a computed name is not called unreached, and its hits stand under the names that it gave', () => {
    const found = [hits('limit-7', 'block', 5)];
    expect(rulesOf([source(null, 'block', 3)], found)).toMatchObject([{ name: null, hits: null, lastAt: null }]);
    expect(othersOf([source(null, 'block', 3)], found)).toEqual(found);
  });

  test('without the record no rule is called unreached', () => {
    expect(rulesOf([source('read', 'allow', 3)], null)).toMatchObject([{ hits: null, levels: [1] }]);
  });
});
