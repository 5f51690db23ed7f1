import type { Transaction } from 'kysely';
import { createDocuments, isSealed } from './documents.ts';
import { checkKey } from './hold-contents.ts';
import type { Schema } from './schema.ts';
import type { Vault } from './vault.ts';

const PAGE = 500;

/**
 * Seals the documents of rows that an earlier version stored as they are. All or none: it is part of the transaction that
 * brings the tables to this version.
 * @throws Error for operators when the database belongs to another key; then nothing is sealed
 */
export async function sealDocuments(trx: Transaction<Schema>, vault: Vault): Promise<void> {
  // Sealed with another key, they could never be read again.
  await checkKey(trx, vault);
  const documents = createDocuments(vault);
  for (const table of ['holds', 'grants'] as const) {
    for (let last = ''; ;) {
      const rows = await trx
        .selectFrom(table)
        .select(['id', 'document'])
        .where('id', '>', last)
        .orderBy('id')
        .limit(PAGE)
        .execute();
      for (const { id, document } of rows) {
        if (isSealed(document)) continue;
        const sealed = documents.seal(id, JSON.parse(document) as object);
        await trx.updateTable(table).set({ document: sealed }).where('id', '=', id).execute();
      }
      if (rows.length < PAGE) break;
      last = rows.at(-1)!.id;
    }
  }
}
