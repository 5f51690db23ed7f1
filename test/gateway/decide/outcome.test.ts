import { expect, it } from 'vitest';
import { readOutcome } from '../../../gateway/decide/outcome.ts';

const result = (verdict: string, matched: object) =>
  JSON.stringify([{ result: { verdict, system: 'crm', block: {}, hold: {}, allow: {}, ...matched } }]);

it('blocks a call whose rules ask for reviewers who have no group in common', () => {
  const outcome = readOutcome(
    result('hold', {
      hold: {
        all: [{ rule: 'contract', reason: 'A contract.', reviewers: ['legal'] }],
        crm: [{ rule: 'price', reason: 'A price.', reviewers: ['finance'] }],
      },
    }),
  );
  expect(outcome).toMatchObject({
    verdict: 'block',
    terms: null,
    fault: null,
    rules: [{ id: 'holdpoint/no-common-reviewers' }, { id: 'rules.all/contract' }, { id: 'rules.crm/price' }],
  });
  expect(outcome.reason).toMatch(/^A contract\. A price\. These rules name reviewers/);
});

it('gives the reasons of all rules that won, once each', () => {
  const outcome = readOutcome(
    result('block', {
      block: {
        all: [{ rule: 'a', reason: 'Frozen.' }],
        crm: [{ rule: 'b', reason: 'Frozen.' }, { rule: 'c', reason: 'Closed.' }, { rule: 'd' }],
      },
      hold: { crm: [{ rule: 'e', reason: 'Unsure.' }] },
    }),
  );
  expect(outcome.reason).toBe('Closed. Frozen. Rule rules.crm/d blocks this call.');
});

it('gathers the obligations of allow and hold rules, each once, and none for a block', () => {
  const header = { type: 'set-header', name: 'x-a', value: '1' };
  const allow = {
    crm: [
      { rule: 'a', obligations: [header] },
      { rule: 'b', obligations: [header, { type: 'log' }] },
    ],
  };
  expect(readOutcome(result('allow', { allow })).obligations).toEqual([header, { type: 'log' }]);
  const hold = { all: [{ rule: 'h', obligations: [{ type: 'tag' }] }] };
  expect(readOutcome(result('hold', { allow, hold })).obligations).toEqual([header, { type: 'log' }, { type: 'tag' }]);
  const block = { all: [{ rule: 'x' }] };
  expect(readOutcome(result('block', { allow, block })).obligations).toEqual([]);
});

it('is a fault when there are several results, or text after them', () => {
  const one = result('allow', { allow: { crm: [{ rule: 'a' }] } });
  expect(readOutcome(one).fault).toBeNull();
  expect(readOutcome(`[${one.slice(1, -1)},${one.slice(1, -1)}]`).fault).toMatch(/^malformed/);
  expect(readOutcome(`${one} x`).fault).toMatch(/^malformed/);
});

it('is a fault when a verdict is no set of rules, whatever the others say', () => {
  const allow = { crm: [{ rule: 'a' }] };
  for (const block of [true, { crm: true }, { crm: {} }, { crm: 'all' }])
    expect(readOutcome(result('allow', { allow, block }))).toMatchObject({
      verdict: 'block',
      fault: expect.stringMatching(/^malformed decision: block/),
    });
});
