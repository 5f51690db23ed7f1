import { createPrivateKey } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { openJournal, type JournalOptions } from '../../audit/journal/journal.ts';
import { createSigner } from '../../audit/ledger/ledger.ts';
import type { Event } from '../../gateway/domain/event.ts';

/** A folder that is gone when the test's `await using` ends. */
export async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'holdpoint-audit-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** The same in every process of a test: RFC 8410, with a seed of zeros. */
export const LEDGER_KEY = createPrivateKey({
  key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32)]),
  format: 'der',
  type: 'pkcs8',
});
export const SIGNER = createSigner(LEDGER_KEY);

/** The `n`th event of a test. */
export function event(n: number, more: Partial<Event> = {}): Event {
  return {
    event_id: `evt_${String(n).padStart(8, '0')}`,
    at: 1_790_000_000_000 + n,
    node: 'node-1',
    type: 'call.decided',
    layer: 'decide',
    call_id: `call_${String(n).padStart(8, '0')}`,
    agent: 'billing-bot',
    ...more,
  };
}

/** Opens a journal of the tests' node. */
export function openTestJournal(dir: string, options: Partial<JournalOptions> = {}): ReturnType<typeof openJournal> {
  return openJournal({ dir, node: 'node-1', signer: SIGNER, limit: 2 ** 30, ...options });
}

/** Opens the journal, writes events numbered [from, to) and closes it: one sealed run of segments. */
export async function writeEvents(dir: string, from: number, to: number, segmentSize?: number): Promise<void> {
  const journal = await openTestJournal(dir, segmentSize === undefined ? {} : { segmentSize });
  for (let n = from; n < to; n++) {
    journal.append(event(n));
    if (n % 200 === 0) await journal.flushed();
  }
  await journal.close();
}

/** Rows in `holdpoint.events`, and how many different events they are. */
export async function countEvents(client: ClickHouseClient): Promise<{ rows: number; events: number }> {
  const result = await client.query({
    query: 'SELECT count() AS rows, uniqExact(event_id) AS events FROM holdpoint.events',
    format: 'JSONEachRow',
  });
  const [row] = await result.json<{ rows: string; events: string }>();
  return { rows: Number(row!.rows), events: Number(row!.events) };
}

/** Waits until `condition` holds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('The condition never came true');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
