import { expect, test } from 'vitest';
import { callFilterIn, searchIn } from '../../../admin/console/calls/call-filter.ts';
import { grown, joined } from '../../../admin/console/calls/tail.ts';
import { exampleCall } from '../../helpers/call-log.ts';

const call = (number: number, status: number | null = 200) => ({
  ...exampleCall,
  on_behalf_of: [],
  rules: [],
  call_id: `call_${String(number).padStart(3, '0')}`,
  status,
});
const page = (numbers: readonly number[], next: string | null) => ({
  items: numbers.map((number) => call(number)),
  next,
  searched_since: null,
  source: 'record' as const,
});
const idsOf = (calls: readonly { call_id: string }[]) => calls.map(({ call_id }) => Number(call_id.slice(5)));

test('a tail grows on top, each call once and as it was seen last', () => {
  expect(joined([call(3), call(2, 403)], [call(2, null), call(1)]).map(({ status }) => status)).toEqual([
    200, 403, 200,
  ]);
  const tail = grown(grown(undefined, page([2, 1], null)), page([4, 3, 2], null));
  expect([idsOf(tail.calls), tail.hasGap]).toEqual([[4, 3, 2, 1], false]);
});

test('a tail says that calls are missing once a full page has none that was known', () => {
  const tail = grown(undefined, page([2, 1], 'older'));
  expect(grown(tail, page([4, 3, 2], 'older')).hasGap).toBe(false);
  const cut = grown(tail, page([9, 8], 'older'));
  expect([idsOf(cut.calls), cut.hasGap]).toEqual([[9, 8, 2, 1], true]);
  expect(grown(cut, page([10, 9], 'older')).hasGap).toBe(true);
});

test('a tail keeps its newest 500 calls', () => {
  const tail = grown(
    undefined,
    page(
      Array.from({ length: 499 }, (_, index) => 499 - index),
      null,
    ),
  );
  expect(idsOf(grown(tail, page([502, 501, 500], null)).calls)).toEqual(
    Array.from({ length: 500 }, (_, index) => 502 - index),
  );
});

test('an address gives the filters that the API knows, and a period counts back from now', () => {
  const filter = callFilterIn({ agent: 'a', status: 403, colour: 'red', text: '', period: '24h', from: ['x'] });
  expect(filter).toEqual({ agent: 'a', status: '403', period: '24h' });
  expect(searchIn(filter, Date.UTC(2026, 0, 2))).toEqual({
    agent: 'a',
    status: '403',
    from: '2026-01-01T00:00:00.000Z',
  });
  expect(callFilterIn({ period: 'toString' })).toEqual({});
});
