import { once } from 'node:events';
import { connectClickHouse } from '../../audit/clickhouse/clickhouse.ts';
import { loadOrCreateLedgerKey } from '../../audit/ledger/ledger-key.ts';
import { createSigner } from '../../audit/ledger/ledger.ts';
import { migrate } from '../../audit/clickhouse/migrate.ts';
import { startEmbedded } from '../../audit/clickhouse/start-embedded.ts';
import { dataFolder } from '../../gateway/process/data-folder.ts';
import { loadEvents, type Loaded } from './load.ts';
import { eventsOf, tellYear } from './year.ts';

/** The engine's, in bytes: large batches want more than a gateway gives it. */
const MEMORY = 2 * 1024 ** 3;

/** Writes a year of work into a data folder, as if gateways had run there; prints how it goes to standard error. */
export async function writeYear({
  data,
  events,
  seed = 1,
}: {
  readonly data: string;
  readonly events: number;
  readonly seed?: number;
}): Promise<Loaded & { readonly perSecond: number }> {
  const { clickhouse, ledgerKey } = dataFolder(data);
  const { child, ...address } = await startEmbedded({ path: clickhouse, memory: MEMORY });
  const client = connectClickHouse(address);
  try {
    await migrate(client);
    const signer = createSigner(await loadOrCreateLedgerKey(ledgerKey));
    const began = performance.now();
    const perSecond = (count: number): number => Math.round((count / (performance.now() - began)) * 1000);
    let told = began;
    const onProgress = (count: number, at: number): void => {
      if (performance.now() - told < 2_000) return;
      told = performance.now();
      const date = new Date(at).toISOString().slice(0, 10);
      process.stderr.write(
        `${date}  ${count.toLocaleString('en')} events, ${perSecond(count).toLocaleString('en')} a second\n`,
      );
    };
    const loaded = await loadEvents(client, eventsOf(tellYear({ events, seed }), seed), { signer, seed, onProgress });
    return { ...loaded, perSecond: perSecond(loaded.events) };
  } finally {
    await client.close();
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  }
}
