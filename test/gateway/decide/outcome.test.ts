import { expect, it } from 'vitest';
import { readOutcome, recallOutcome } from '../../../gateway/decide/outcome.ts';
import { triggerOf } from '../../../gateway/domain/decision.ts';

const result = (verdict: string, matched: object) =>
  JSON.stringify([{ result: { verdict, system: 'crm', block: {}, hold: {}, allow: {}, ...matched } }]);

it('a held call goes to the reviewers of every rule, even if the rules share no group', () => {
  const outcome = readOutcome(
    result('hold', {
      hold: {
        all: [{ rule: 'contract', reason: 'A contract.', reviewers: ['legal'] }],
        crm: [{ rule: 'price', reason: 'A price.', reviewers: ['finance'] }],
      },
    }),
  );
  expect(outcome).toMatchObject({
    verdict: 'hold',
    reason: 'A contract. A price.',
    rules: [{ id: 'rules.all/contract' }, { id: 'rules.crm/price' }],
    terms: { requirements: [{ groups: ['legal'] }, { groups: ['finance'] }] },
    alert: [],
    fault: null,
  });
});

it('a call held at level 4 is blocked and says whom to alert, whatever else holds or blocks it', () => {
  const hold = {
    all: [{ rule: 'odd', reason: 'Odd.', trigger: 'probabilistic', level: 4, reviewers: ['security'] }],
    crm: [
      { rule: 'price', reviewers: ['finance'] },
      { rule: 'theft', reason: 'Theft.', level: 4, reviewers: ['security', 'legal'] },
    ],
  };
  expect(readOutcome(result('block', { hold }))).toMatchObject({
    verdict: 'block',
    reason: 'Odd. Theft.',
    rules: [
      { id: 'rules.all/odd', verdict: 'block', trigger: 'probabilistic' },
      { id: 'rules.crm/theft', verdict: 'block', trigger: 'rule' },
      { id: 'rules.crm/price', verdict: 'hold', trigger: 'rule' },
    ],
    terms: null,
    alert: ['security', 'legal'],
  });
  const block = { crm: [{ rule: 'frozen', reason: 'Frozen.' }] };
  expect(readOutcome(result('block', { hold, block }))).toMatchObject({
    reason: 'Frozen. Odd. Theft.',
    alert: ['security', 'legal'],
  });
});

it('the outcome tells apart calls that an estimate stopped from calls that a rule stopped', () => {
  const unsure = { rule: 'unsure', trigger: 'probabilistic' };
  const outcome = readOutcome(result('hold', { hold: { all: [unsure], crm: [{ rule: 'price' }] } }));
  expect(outcome.rules.map(({ trigger }) => trigger)).toEqual(['probabilistic', 'rule']);
  expect(triggerOf(outcome.rules, 'hold')).toBe('rule');
  expect(triggerOf(readOutcome(result('hold', { hold: { all: [unsure] } })).rules, 'hold')).toBe('probabilistic');
  const blocked = readOutcome(result('block', { block: { all: [unsure] }, hold: { crm: [{ rule: 'price' }] } }));
  expect(triggerOf(blocked.rules, 'block')).toBe('probabilistic');
});

it('an estimate that allows a call is a fault', () => {
  const allow = { crm: [{ rule: 'sure', trigger: 'probabilistic' }] };
  expect(readOutcome(result('allow', { allow })).fault).toMatch(/^malformed decision: allow\.crm\[0\]/);
});

it('an expiry that escalates to no group is a fault', () => {
  const hold = (escalate?: object) => ({ hold: { crm: [{ rule: 'r', on_expiry: 'escalate', escalate }] } });
  expect(readOutcome(result('hold', hold())).fault).toBe(
    'malformed decision: hold.crm[0].on_expiry: expected a chain in escalate to go to',
  );
  expect(readOutcome(result('hold', hold([]))).fault).toMatch(/on_expiry/);
  expect(readOutcome(result('hold', hold([{ after: '5m', to: ['leads'] }])))).toMatchObject({
    fault: null,
    terms: { onExpiry: 'escalate' },
  });
});

it('the outcome gives the reasons of all winning rules, once each', () => {
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

it('the outcome collects the obligations of allow and hold rules, each once, and none for a block', () => {
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

it('several results, or text after a result, are a fault', () => {
  const one = result('allow', { allow: { crm: [{ rule: 'a' }] } });
  expect(readOutcome(one).fault).toBeNull();
  expect(readOutcome(`[${one.slice(1, -1)},${one.slice(1, -1)}]`).fault).toMatch(/^malformed/);
  expect(readOutcome(`${one} x`).fault).toMatch(/^malformed/);
});

it('a verdict that is not a set of rules is a fault, whatever the others say', () => {
  const allow = { crm: [{ rule: 'a' }] };
  for (const block of [true, { crm: true }, { crm: {} }, { crm: 'all' }])
    expect(readOutcome(result('allow', { allow, block }))).toMatchObject({
      verdict: 'block',
      fault: expect.stringMatching(/^malformed decision: block/),
    });
});

it('the outcome has the highest cost that the rules give, and none for a block', () => {
  const costing = (rule: string, amount: number, unit = 'EUR') => ({ rule, cost: { amount, unit } });
  const allow = { crm: [costing('a', 1), costing('b', 3.5), { rule: 'c' }] };
  expect(readOutcome(result('allow', { allow })).cost).toEqual({ amount: 3.5, unit: 'EUR' });
  const hold = { all: [costing('d', 9)] };
  expect(readOutcome(result('hold', { allow, hold })).cost).toEqual({ amount: 9, unit: 'EUR' });
  expect(readOutcome(result('hold', { hold: { crm: [{ rule: 'e' }] } })).cost).toBeNull();
  expect(readOutcome(result('block', { allow, hold, block: { crm: [{ rule: 'f' }] } })).cost).toBeNull();
});

it('costs that are invalid or cannot be compared fail the decision', () => {
  const of = (...costs: object[]) => ({ allow: { crm: costs.map((cost, i) => ({ rule: `r${i}`, cost })) } });
  const unclear = [
    of({ amount: 1, unit: 'EUR' }, { amount: 1, unit: 'USD' }),
    of({ amount: -1, unit: 'EUR' }),
    of({ amount: 1e13, unit: 'EUR' }),
    of({ amount: '1', unit: 'EUR' }),
    of({ amount: 1, unit: '' }),
    of({ amount: 1 }),
    of({ amount: 1, unit: 'EUR', per: 'call' }),
  ];
  for (const matched of unclear) {
    expect(readOutcome(result('allow', matched))).toMatchObject({ verdict: 'block', cost: null });
    expect(readOutcome(result('allow', matched)).fault).toContain('malformed decision');
  }
});

it('a recalled outcome equals the one that would be read, even if remembered ones differ in an amount', () => {
  const entry = (parts: object) => ({ allow: { crm: [{ rule: 'small', ...parts }] } });
  const cost = (amount: unknown) => ({ cost: { amount, unit: 'EUR' } });
  const texts = [
    ...[0, 1, 20.1, 1e-7, 1e12, 1e13, -1, null, '1'].map((amount) => result('allow', entry(cost(amount)))),
    ...[5, 6].map((amount) => result('allow', entry({ obligations: [{ type: 'bill', cost: { amount } }] }))),
    ...[5, 6].map((amount) =>
      result('allow', entry({ ...cost(7), obligations: [{ type: 'bill', cost: { amount } }] })),
    ),
    ...[5, 6].map((amount) => result('allow', entry({ ...cost(amount), reason: '"cost":{"amount":9' }))),
    ...[5, 6].map((amount) =>
      result('block', { ...entry(cost(amount)), block: { crm: [{ rule: 'no', reason: 'No.' }] } }),
    ),
    ...[5, 6].map((amount) =>
      result('allow', {
        allow: {
          crm: [
            { rule: 'a', ...cost(amount) },
            { rule: 'b', ...cost(3) },
          ],
        },
      }),
    ),
  ];
  for (const text of [...texts, ...texts.toReversed()]) expect(recallOutcome(text)).toEqual(readOutcome(text));
});

it('an outcome is remembered, unless it is so long that many of them would fill the memory', () => {
  const quoting = (length: number) =>
    result('block', { block: { crm: [{ rule: 'quote', reason: 'x'.repeat(length) }] } });
  expect(recallOutcome(quoting(100))).toBe(recallOutcome(quoting(100)));
  expect(recallOutcome(quoting(10_000))).toEqual(recallOutcome(quoting(10_000)));
  expect(recallOutcome(quoting(10_000))).not.toBe(recallOutcome(quoting(10_000)));
});
