import { createPublicKey } from 'node:crypto';
import { expect, test } from 'vitest';
import { createSigner, headOf, isSigned, START } from '../../../audit/ledger/ledger.ts';
import { SegmentDigest } from '../../../audit/ledger/segment-digest.ts';
import { createOutboxSource } from '../../../audit/ship/outbox-source.ts';
import { eventLine } from '../../../audit/journal/event-line.ts';
import type { Event } from '../../../gateway/domain/event.ts';
import { event, LEDGER_KEY, SIGNER } from '../events.ts';

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

const sourceOf = (outbox: ReturnType<typeof outboxOf>, rows = 3) =>
  createOutboxSource({ name: 'holds', outbox, home: 'home-1', node: 'node-1', signer: SIGNER, rows, clock: () => 77 });

test('an outbox source gives events in order of their numbers and forgets them once delivered', async () => {
  const outbox = outboxOf([1, 2, 5, 9]);
  const source = sourceOf(outbox);
  const first = await source.next('');
  expect(first?.rows.map(String)).toEqual([1, 2, 5].map((seq) => eventLine(event(seq))));
  await source.forget(first!.to);
  const bytes = eventLine(event(9)).length + 1;
  expect(await source.behind(first!.to)).toEqual({ bytes, rows: 1 });
  const second = await source.next(first!.to);
  expect(second?.rows).toHaveLength(1);
  expect(await source.next(second!.to)).toBeNull();
  await source.forget(second!.to);
  expect(await source.behind(second!.to)).toEqual({ bytes: 0, rows: 0 });
});

test('an outbox source gives exactly the same rows again, even after further events', async () => {
  const outbox = outboxOf([1, 2]);
  const source = sourceOf(outbox, 1);
  const first = await source.next('');
  const both = await sourceOf(outbox).next('');
  outbox.add(3);
  expect((await source.next('', first!.to))?.rows).toEqual(first!.rows);
  // Also with a smaller idea of a batch than it was planned with.
  expect(await source.next('', both!.to)).toEqual({ ...both, checkpoints: [] });
});

test('an outbox source numbers events without gaps and signs each batch', async () => {
  const source = sourceOf(outboxOf([4, 7, 8, 20, 21]));
  const first = await source.next('');
  const second = await source.next(first!.to);
  expect(first).toMatchObject({ chain: 'home-1/holds', first: 1 });
  expect(second).toMatchObject({ chain: 'home-1/holds', first: 4 });
  let head = START;
  for (const { rows, checkpoints } of [first!, second!]) {
    const digest = new SegmentDigest(head);
    for (const row of rows) digest.add(Buffer.from(`${row}\n`), 1);
    expect(checkpoints).toEqual([expect.objectContaining({ node: 'node-1', at: 77, ...digest.summary() })]);
    expect(isSigned(checkpoints[0]!, createPublicKey(LEDGER_KEY))).toBe(true);
    head = headOf(checkpoints[0]!);
  }
});

test('an outbox source continues from a position without a chain', async () => {
  const batch = await sourceOf(outboxOf([4, 7, 8])).next('4');
  expect(batch).toMatchObject({ first: 1, checkpoints: [{ first: 1, seq: 2, prev: START.link }] });
  expect(batch?.rows.map(String)).toEqual([7, 8].map((seq) => eventLine(event(seq))));
});

test('an outbox source limits the bytes of large events in a batch', async () => {
  const outbox = outboxOf([]);
  const large = 'x'.repeat(10_000);
  const read = async (after: number, limit: number) =>
    Array.from({ length: Math.min(limit, 5000 - after) }, (_, n) => ({
      seq: after + n + 1,
      event: event(after + n + 1, { reason: large }),
    }));
  const batch = await sourceOf({ ...outbox, read }, 10_000).next('');
  expect(batch?.rows).toHaveLength(1000);
});

test('an outbox batch is signed by the gateway that delivers it', async () => {
  const { generateKeyPairSync } = await import('node:crypto');
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const source = createOutboxSource({
    name: 'holds',
    outbox: outboxOf([1]),
    home: 'home-1',
    node: 'node-2',
    signer: createSigner(privateKey),
  });
  const batch = await source.next('');
  expect(batch?.checkpoints.map((each) => [each.node, isSigned(each, publicKey)])).toEqual([['node-2', true]]);
});
