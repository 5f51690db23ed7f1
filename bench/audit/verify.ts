import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { openJournal } from '../../audit/journal/journal.ts';
import { loadLedgerKey } from '../../audit/ledger/ledger-key.ts';
import { createSigner, keyId } from '../../audit/ledger/ledger.ts';
import { verifyJournal } from '../../audit/ledger/verify-journal.ts';
import { verifyRecord } from '../../audit/ledger/verify.ts';
import { openClickHouse } from '../../gateway/process/open-clickhouse.ts';
import { dataFolder } from '../../gateway/process/data-folder.ts';
import { exampleEvent } from './example-event.ts';

export type VerifyFigures = { readonly events: number; readonly perSecond: number; readonly breaks: number };

/** Writes a journal of so many events, and verifies it. */
export async function benchVerifyJournal(folder: string, events: number): Promise<VerifyFigures> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const journal = await openJournal({
    dir: join(folder, 'bench'),
    node: 'bench',
    signer: createSigner(privateKey),
    limit: 2 ** 33,
  });
  for (let n = 0; n < events; n++) {
    journal.append(exampleEvent(n));
    if (n % 1000 === 999) await journal.flushed();
  }
  await journal.close();
  const started = performance.now();
  const { verified, breaks } = await verifyJournal(folder, 'bench', new Map([[keyId(publicKey), publicKey]]));
  return { events: verified, perSecond: (verified / (performance.now() - started)) * 1000, breaks: breaks.length };
}

/** Verifies the year in a data folder (bench/year), in ClickHouse. */
export async function benchVerifyRecord(data: string): Promise<VerifyFigures> {
  const folder = dataFolder(data);
  const publicKey = createPublicKey(await loadLedgerKey(folder.ledgerKey));
  const { client, close } = await openClickHouse({ data, file: 'bench' });
  try {
    const started = performance.now();
    const chains = await verifyRecord({ client, keys: new Map([[keyId(publicKey), publicKey]]) });
    const events = chains.reduce((sum, { verified }) => sum + verified, 0);
    const breaks = chains.reduce((sum, chain) => sum + chain.breaks.length, 0);
    return { events, perSecond: (events / (performance.now() - started)) * 1000, breaks };
  } finally {
    await close();
  }
}
