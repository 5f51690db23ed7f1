/**
 * A process that ships the events in a folder, or writes a journal, and dies at a given point. Its argument is the
 * `{ url, password }` of ClickHouse.
 */
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { connectClickHouse } from '../../../../audit/clickhouse/clickhouse.ts';
import { createOutboxSource } from '../../../../audit/ship/outbox-source.ts';
import { createShipper } from '../../../../audit/ship/shipper.ts';
import { openHoldStore } from '../../../../gateway/holds/store/store.ts';
import { openTestJournal, SIGNER } from '../../../audit/events.ts';
import { arm, pass, watchFiles, watchStatements } from './points.ts';
import { BATCH, step, storeOptions } from './story.ts';

export type Order = {
  readonly type: 'ship' | 'write';
  /** The point at which the process is killed; null if it is not killed. */
  readonly point: number | null;
  readonly path: string;
  readonly label: string;
  /** For the writer of a journal: the number of its first event. */
  readonly first?: number;
};

export type Report =
  | { readonly type: 'ready' }
  /** The journal's events up to this number are durable. */
  | { readonly type: 'written'; readonly through: number }
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly reason: string };

const { url, password } = JSON.parse(process.argv[2]!) as { url: string; password: string };
const tell = (report: Report) => void process.send!(report);
const client = connectClickHouse({ url, username: 'holdpoint', password });
await watchFiles();
watchStatements(client);

const plays = {
  async ship({ path, label }: Order) {
    const store = await openHoldStore(storeOptions(path, label));
    const shipper = await createShipper({
      dir: join(path, 'journal'),
      client,
      rows: BATCH,
      prepare: async () => {},
      sources: (home) => [
        createOutboxSource({ name: 'holds-outbox', outbox: store.outbox, home, node: label, signer: SIGNER }),
      ],
    });
    await shipper.drain();
  },
  async write({ path, label, first = 0 }: Order) {
    const journal = await openTestJournal(join(path, 'journal', 'worker-1'), { segmentSize: 4_000 });
    for (let n = first; n < first + 30; n++) {
      journal.append(step(label, n));
      if (n % 3 !== 2) continue;
      await journal.flushed();
      tell({ type: 'written', through: n });
    }
    await journal.close();
    tell({ type: 'written', through: first + 29 });
  },
};

process.on('message', (order: Order) => {
  arm(order.point);
  plays[order.type](order).then(
    () => {
      pass('at the end');
      arm(null);
      tell({ type: 'done' });
    },
    (error: unknown) => tell({ type: 'failed', reason: String((error as Error)?.stack ?? error) }),
  );
});
process.on('disconnect', () => process.exit());
// Node writes its compile cache when a process ends. A killed process would not write it.
flushCompileCache();
tell({ type: 'ready' });
