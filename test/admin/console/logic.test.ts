import { QueryObserver } from '@tanstack/react-query';
import { describe, expect, test, vi } from 'vitest';
import { agentFilterIn, fitsAgent } from '../../../admin/console/agents/agent-filter.ts';
import { numbersIn } from '../../../admin/console/agents/numbers.ts';
import { changedLines } from '../../../admin/console/body/body-lines.ts';
import { callsBehind, findingOf, needingPeople } from '../../../admin/console/insights/finding.ts';
import { periodIn, periodSearchIn, searchOf } from '../../../admin/console/insights/period.ts';
import { costWords } from '../../../admin/console/text/costs.ts';
import { changeWords, numberWords } from '../../../admin/console/insights/value-words.ts';
import { exactBody } from '../../../admin/console/body/exact-body.ts';
import { differencesOf } from '../../../admin/console/batch/differences.ts';
import { createOutbox, UNDO_FOR } from '../../../admin/console/decide/outbox.ts';
import { deliveryFilterIn } from '../../../admin/console/deliveries/delivery-filter.ts';
import { changeOf, fieldsOf, patched } from '../../../admin/console/edit/field.ts';
import { oldLinkTarget } from '../../../admin/console/page/old-link.ts';
import { filterIn } from '../../../admin/console/queue/filter.ts';
import { neighbourIn } from '../../../admin/console/queue/walk.ts';
import { createCache } from '../../../admin/console/server/cache.ts';
import { heard, holdQuery, type HoldSummary } from '../../../admin/console/server/holds.ts';
import { eventsOf } from '../../../admin/console/server/live.ts';
import type { ReportHeader } from '../../../admin/console/server/shapes.ts';
import { withNow } from '../../../admin/console/server/work.ts';
import { sumsOf, treeOf, type WorkItem } from '../../../admin/console/work/tree.ts';
import { previewKind } from '../../../admin/console/hold/preview-kind.ts';
import { parseExactly } from '../../../gateway/json/exact-json.ts';
import { partsOf } from '../../../gateway/domain/visible-text.ts';

const marks = (lines: ReturnType<typeof changedLines>) =>
  lines.filter(({ mark }) => mark !== 'same').map(({ mark, pointer, value }) => `${mark} ${pointer} ${value.text}`);

describe('bodies', () => {
  test('a change of one digit in twenty is shown as a change', () => {
    const before = parseExactly('{"a":12345678901234567890,"b":1.50}');
    const after = parseExactly('{"a":12345678901234567891,"b":1.50}');
    expect(marks(changedLines(before, after))).toEqual(['from /a 12345678901234567890', 'to /a 12345678901234567891']);
  });

  test('a number and a text with the same digits differ', () => {
    expect(marks(changedLines({ a: 1 }, { a: '1' }))).toEqual(['from /a 1', 'to /a 1']);
  });

  test('an element that is put into a list leaves the others as they are', () => {
    expect(marks(changedLines(['a', 'b'], ['a', 'x', 'b']))).toEqual(['to /1 x']);
    expect(marks(changedLines(['a', 'x', 'b'], ['a', 'b']))).toEqual(['from /1 x']);
  });

  test('the body of a call of a tool is its arguments, with every digit', () => {
    const body_text = '{"method":"tools/call","params":{"arguments":{"n":12345678901234567890}}}';
    const body = exactBody({ body: { n: '12345678901234567890' }, body_text, tool: 'order' });
    expect(JSON.stringify(body)).toBe('{"n":12345678901234567890}');
  });

  test('several bodies are compared by the places in which they differ', () => {
    const { columns, rows, same } = differencesOf([
      { amount: 1, to: 'a' },
      { amount: 2, to: 'a' },
    ]);
    expect({ columns, rows }).toEqual({ columns: ['/amount'], rows: [['1'], ['2']] });
    expect(same).toEqual([{ pointer: '/to', text: '“a”' }]);
  });
});

describe('edits', () => {
  const body = parseExactly('{"amount":12345678901234567890,"note":"x","paid":true}');
  const fields = fieldsOf(body, ['/amount', '/note', '/paid']);

  test('a number stays a number with every digit, and a text stays a text', () => {
    const change = changeOf(fields, { '/amount': '98765432109876543210', '/note': '5', '/paid': 'false' });
    expect(JSON.stringify(patched(body, change))).toBe('{"amount":98765432109876543210,"note":"5","paid":false}');
  });

  test('what is typed as before is no change', () => {
    expect(changeOf(fields, { '/amount': '12345678901234567890' }).patch).toEqual([]);
  });

  test('what is no number is said at its field, and changes nothing', () => {
    const { patch, wrong } = changeOf(fields, { '/amount': '1,000' });
    expect({ patch, wrong: Object.keys(wrong) }).toEqual({ patch: [], wrong: ['/amount'] });
  });
});

describe('the outbox', () => {
  const decision = { path: '/x', body: {}, ifMatch: 1, holdIds: ['h'], text: 'Approved' };
  const ears = { done: () => {}, failed: () => {} };

  test('a decision is sent once, after three seconds, and a double click is one decision', async () => {
    vi.useFakeTimers();
    const send = vi.fn<() => Promise<never>>(async () => ({}) as never);
    const outbox = createOutbox(ears, send);
    outbox.submit(decision);
    outbox.submit(decision);
    vi.advanceTimersByTime(UNDO_FOR - 1);
    expect(send).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(send).toHaveBeenCalledTimes(1);
    vi.useRealTimers();
  });

  test('what is undone is never sent', () => {
    vi.useFakeTimers();
    const send = vi.fn<() => Promise<never>>(async () => ({}) as never);
    const outbox = createOutbox(ears, send);
    outbox.submit(decision);
    outbox.undo();
    vi.advanceTimersByTime(10 * UNDO_FOR);
    expect(send).not.toHaveBeenCalled();
    vi.useRealTimers();
  });
});

test('the next hold is the one that follows in the order in which the person began, and still waits', () => {
  expect(neighbourIn(['a', 'b', 'c'], 'a', 1, ['c', 'a', 'new'])).toBe('c');
  expect(neighbourIn(['a', 'b', 'c'], 'c', 1, ['a', 'new'])).toBe('new');
  expect(neighbourIn([], 'b', -1, ['a', 'b'])).toBe('a');
});

test('a filter takes from an address only what it knows', () => {
  expect(filterIn({ mine: 'true', kind: 'relay', status: 'nonsense', agent: 7, other: 1 })).toEqual({
    mine: true,
    kind: 'relay',
    agent: '7',
  });
});

test('a link of an old message names its hold', () => {
  expect(oldLinkTarget('#/holds/hold_12ab')).toBe('/holds/hold_12ab');
  expect(oldLinkTarget('#/holds/../x')).toBeNull();
});

test('an HTML page or an SVG that an agent attached is only ever text', () => {
  expect(previewKind({ type: 'text/html', bytes: 1 })).toBe('text/plain');
  expect(previewKind({ type: 'image/svg+xml', bytes: 1 })).toBe('text/plain');
  expect(previewKind({ type: 'application/x-msdownload', bytes: 1 })).toBeNull();
});

test('a hold that changed while its page was being loaded is read again', async () => {
  const cache = createCache();
  const answers = ['{"hold_id":"hold_1","version":2}', '{"hold_id":"hold_1","version":1}'];
  vi.stubGlobal('fetch', async () => new Response(answers.pop()));
  const { queryKey } = holdQuery('hold_1');
  const page = new QueryObserver(cache, holdQuery('hold_1'));
  const stop = page.subscribe(() => {});
  heard(cache, { hold_id: 'hold_1', version: 2, status: 'approved' } as HoldSummary);
  await vi.waitFor(() => expect(cache.getQueryData(queryKey)).toMatchObject({ version: 2 }));
  stop();
  cache.clear();
  vi.unstubAllGlobals();
});

test('events are read from a stream that is cut anywhere', async () => {
  const text = ': heartbeat\n\nid: 7\nevent: hold\ndata: {"a":"ü"}\n\n';
  const bytes = new TextEncoder().encode(text);
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  const events = await Array.fromAsync(eventsOf(body));
  expect(events.at(-1)).toEqual({ id: '7', event: 'hold', data: '{"a":"ü"}' });
});

test('a text is cut into what is read and what a reader would not notice', () => {
  const kinds = partsOf(`p\u0430y \u202Eb\u3164${' '.repeat(20)}\r\n👨‍👩‍👧`).filter(({ kind }) => kind !== 'plain');
  expect(kinds.map(({ kind }) => kind)).toEqual(['mixed', 'hidden', 'hidden', 'blank']);
});

describe('work', () => {
  const at = '2026-12-01T00:00:00.000Z';
  const nothing = { in_flight: 0, calls: [], held: 0, executed: 0, failed: 0, blocked: 0, costs: [] };
  const item = (operation: string, changes: Partial<WorkItem>): WorkItem => ({
    owner: 'ana',
    agent: 'bot',
    system: 'payments',
    operation,
    ...nothing,
    ...changes,
  });
  const eur = (amount: number) => ({ unit: 'EUR', amount });

  test('what happens now takes the place of what happened before, and leaves what was done', () => {
    const work = { at, since: at, missing: ['record' as const, 'held' as const], is_cut: false };
    const before = { ...work, items: [item('ended', { in_flight: 2, held: 1, executed: 5 }), item('goes on', {})] };
    const key = { owner: 'ana', agent: 'bot', system: 'payments' };
    const now = { at, missing: [], is_cut: false };
    const began = { ...key, in_flight: 1, calls: [{ call_id: 'call_1', at }], held: 0 };
    const items = [
      { ...began, operation: 'goes on' },
      { ...began, operation: 'begins' },
    ];
    expect(withNow(before, { ...now, items })).toEqual({
      ...work,
      missing: ['record'],
      items: [
        item('begins', { in_flight: 1, calls: began.calls }),
        item('ended', { executed: 5 }),
        item('goes on', { in_flight: 1, calls: began.calls }),
      ],
    });
  });

  test('costs are added up for each unit, and where nothing is counted yet, nothing is shown', () => {
    const items = [
      item('a', { costs: [eur(1), { unit: 'USD', amount: 2 }] }),
      item('b', { costs: [eur(0.5)], executed: 1 }),
      item('c', {}),
    ];
    expect(sumsOf(items)).toMatchObject({ executed: 1, costs: [eur(1.5), { unit: 'USD', amount: 2 }] });
    expect(treeOf(items)[0]!.agents[0]!.items.map(({ operation }) => operation)).toEqual(['a', 'b']);
  });
});

describe('insights', () => {
  test('the period before is as long, and ends where the period begins', () => {
    expect(searchOf({ days: 7 })).toEqual({ from: '7d', to: 'now' });
    // A relative beginning counts back from the end.
    expect(searchOf({ days: 7 }, true)).toEqual({ from: '7d', to: '7d' });
    const range = { from: '2026-03-01', to: '2026-03-01' };
    expect([searchOf(range), searchOf(range, true)]).toEqual([
      { from: '2026-03-01', to: '2026-03-02' },
      { from: '2026-02-28', to: '2026-03-01' },
    ]);
  });

  test('a period in an address that makes no sense is the usual one', () => {
    for (const search of [
      { days: 0 },
      { days: 'x' },
      { from: '2026-02-30', to: 'x' },
      { from: '2026-02-02', to: '2026-02-01' },
    ])
      expect(periodIn(periodSearchIn(search))).toEqual({ days: 30 });
    expect(periodIn(periodSearchIn({ days: '90' }))).toEqual({ days: 90 });
  });

  test('numbers have their unit, and a change is told against what was before', () => {
    expect([numberWords('ms', 1_620_000), numberWords('us', 1_500), numberWords('cost', 12.5, 'EUR')]).toEqual([
      '27 min',
      '2 ms',
      '12.50 EUR',
    ]);
    expect([
      changeWords(3, 2),
      changeWords(1, 2),
      changeWords(1, 0),
      changeWords(0, 0),
      changeWords(1000, 1001),
    ]).toEqual(['+50%', '−50%', 'new', null, '±0 %']);
  });

  test('a finding names the values of its row, a row needs people by one column, and its calls are found by others', () => {
    const header = {
      finding: '{agent} was blocked {blocked} times.',
      attention: 'flagged',
      calls: { by: ['agent', 'owner'], verdict: 'block' },
      columns: [
        { name: 'agent', unit: 'text', about: '' },
        { name: 'blocked', unit: 'count', about: '' },
      ],
    } as unknown as ReportHeader;
    const row = { agent: 'bot {blocked}', owner: '', blocked: 1200, flagged: 'yes' };
    expect(
      findingOf(header, row)
        ?.map(({ text }) => text)
        .join(''),
    ).toBe('bot {blocked} was blocked 1,200 times.');
    expect(needingPeople(header, [{ flagged: 'no' }, { flagged: '' }, { flagged: null }, { flagged: 0 }, row])).toEqual(
      [row],
    );
    const moment = { from: 'a', to: 'b' };
    expect(callsBehind(header, row, moment)).toEqual({ agent: 'bot {blocked}', verdict: 'block', ...moment });
    expect(callsBehind(header, { agent: '', owner: null }, moment)).toBeNull();
  });
});

describe('agents', () => {
  test('costs of an agent that changed its owner are added up, each unit by itself', () => {
    const row = {
      agent: 'bot',
      owner: 'ana',
      calls: 3,
      allowed: 2,
      held: 1,
      blocked: 0,
      to_approve: 0,
      to_take_over: 1,
    };
    const last_at = '2026-12-01T00:00:00.000Z';
    const cost = (owner: string, cost_unit: string, cost: number) => ({ agent: 'bot', owner, cost_unit, cost });
    const numbers = numbersIn(
      [
        { ...row, last_at },
        { ...row, agent: 'free', last_at },
      ],
      [cost('ana', 'EUR', 1.5), cost('ben', 'EUR', 2), cost('ana', 'tokens', 900)],
    );
    expect(numbers.get('bot')).toMatchObject({ held: 1, toTakeOver: 1, lastAt: last_at });
    expect(numbers.get('bot')?.costs.map(costWords)).toEqual(['3.50 EUR', '900 tokens']);
    expect(numbers.get('free')?.costs).toEqual([]);
  });

  test('an address gives the filters that there are, and an agent has to fit all of them', () => {
    expect(agentFilterIn({ owner: 'ana', suspended: 'true', system: ['x'], colour: 'red' })).toEqual({
      owner: 'ana',
      suspended: true,
    });
    const agent = { id: 'bot', owner: 'ana', roles: [], systems: ['crm'], suspended: null, day_usage: null };
    expect(fitsAgent(agent, { owner: 'ana', system: 'crm' })).toBe(true);
    for (const filter of [{ owner: 'ben' }, { system: 'mail' }, { suspended: true as const }])
      expect(fitsAgent(agent, filter)).toBe(false);
  });
});

test('an address gives only states in which a notification can be', () => {
  expect([deliveryFilterIn({ state: 'dead' }), deliveryFilterIn({ state: 'toString' })]).toEqual([
    { state: 'dead' },
    {},
  ]);
});
