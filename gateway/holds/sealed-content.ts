import type { Kysely, Transaction } from 'kysely';
import type { HeldCall, HeldResponse, Hold } from '../domain/hold.ts';
import type { Schema } from './schema.ts';
import type { Vault } from './vault.ts';

type Content = { readonly call: HeldCall; readonly response: HeldResponse };

const LENGTH_BYTES = 4;

/** Encrypts a held call or an answer and keeps it with the hold's current revision. */
export async function keepSealed<Kind extends keyof Content>(
  trx: Transaction<Schema>,
  vault: Vault,
  hold: Hold,
  kind: Kind,
  content: Content[Kind],
): Promise<void> {
  const label = { holdId: hold.id, kind, revision: hold.revision };
  const sealed = vault.seal(toBytes(content), label);
  await trx.insertInto('sealed').values({ hold_id: hold.id, kind, revision: hold.revision, content: sealed }).execute();
}

/** The newest call or answer of a hold, decrypted; null when there is none (any more). */
export async function readSealed<Kind extends keyof Content>(
  db: Kysely<Schema>,
  vault: Vault,
  holdId: string,
  kind: Kind,
): Promise<Content[Kind] | null> {
  const row = await db
    .selectFrom('sealed')
    .select(['content', 'revision'])
    .where('hold_id', '=', holdId)
    .where('kind', '=', kind)
    .orderBy('revision', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ? fromBytes<Content[Kind]>(vault.open(row.content, { holdId, kind, revision: row.revision })) : null;
}

/**
 * Leaves a marker sealed with the first key that opens this database.
 * @throws Error for operators when that was another key: nothing may be written beside what cannot be read.
 */
export async function checkKey(db: Kysely<Schema>, vault: Vault): Promise<void> {
  const label = { holdId: '', kind: 'key-check', revision: 0 };
  await db
    .insertInto('sealed')
    .values({ hold_id: '', kind: label.kind, revision: 0, content: vault.seal(Buffer.alloc(0), label) })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const marker = db.selectFrom('sealed').select('content').where('hold_id', '=', '').where('kind', '=', label.kind);
  const { content } = await marker.executeTakeFirstOrThrow();
  try {
    vault.open(content, label);
  } catch (cause) {
    throw new Error('the holds were stored with another key: put that key back, or move the database away', { cause });
  }
}

/** Length of the JSON part (32 bits, big-endian), JSON part, body as it is. */
function toBytes({ body, ...rest }: HeldCall | HeldResponse): Buffer {
  const json = Buffer.from(JSON.stringify(rest));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(json.length);
  return Buffer.concat([length, json, body]);
}

/** Only for bytes that came out of the vault, which vouches for their shape. */
function fromBytes<Kept extends HeldCall | HeldResponse>(bytes: Buffer): Kept {
  const start = LENGTH_BYTES + bytes.readUInt32BE(0);
  const rest = JSON.parse(bytes.toString('utf8', LENGTH_BYTES, start)) as Omit<Kept, 'body'>;
  return { ...rest, body: bytes.subarray(start) } as Kept;
}
