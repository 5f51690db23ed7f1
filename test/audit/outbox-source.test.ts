import { expect, test } from 'vitest';
import { createOutboxSource } from '../../audit/outbox-source.ts';
import type { Event } from '../../gateway/domain/event.ts';
import { event } from './ledger.ts';

/** An outbox in memory, with gaps in its numbers as a real one has. */
function outboxOf(seqs: readonly number[]) {
  let entries: { seq: number; event: Event }[] = seqs.map((seq) => ({ seq, event: event(seq) }));
  return {
    read: async (after: number, limit: number) => entries.filter(({ seq }) => seq > after).slice(0, limit),
    forget: async (through: number) => {
      entries = entries.filter(({ seq }) => seq > through);
    },
    add: (seq: number) => entries.push({ seq, event: event(seq) }),
  };
}

test('gives events in order of their numbers and forgets them once delivered', async () => {
  const outbox = outboxOf([1, 2, 5, 9]);
  const source = createOutboxSource({ name: 'holds', outbox, rows: 3 });
  const first = await source.next('');
  expect(first?.rows.map(String)).toEqual([1, 2, 5].map((seq) => JSON.stringify(event(seq))));
  await source.forget(first!.to);
  expect(await source.behind(first!.to)).toEqual({ bytes: null, rows: 1 });
  const second = await source.next(first!.to);
  expect(second?.to).toBe('9');
  expect(await source.next('9')).toBeNull();
});

test('gives exactly the same batch again although more events came', async () => {
  const outbox = outboxOf([1, 2]);
  const source = createOutboxSource({ name: 'holds', outbox });
  const first = await source.next('');
  outbox.add(3);
  expect(await source.next('', first!.to)).toEqual(first);
});
