import type { Kysely, Transaction } from 'kysely';
import { parseExactly } from '../../json/exact-json.ts';
import type { Artifact, Handoff, HandoffAnswer } from '../../domain/handoff.ts';
import type { HoldContents } from '../../domain/hold-contents.ts';
import type { HeldCall, HeldResponse, Hold } from '../../domain/hold.ts';
import { available } from './available.ts';
import type { Schema } from './schema.ts';
import type { ChangeWatch } from './watch.ts';
import type { Vault } from './vault.ts';

/** What is kept encrypted with a hold, by its kind. */
type Contents = {
  readonly call: HeldCall;
  readonly response: HeldResponse;
  readonly handoff: Handoff;
  readonly answer: HandoffAnswer;
  readonly [name: `artifact/${string}`]: Artifact;
};

export type ContentKind = keyof Contents;
export type Content = { [Kind in ContentKind]: { readonly kind: Kind; readonly content: Contents[Kind] } }[ContentKind];

const LENGTH_BYTES = 4;

export function createHoldContents(
  db: Kysely<Schema>,
  vault: Vault,
  changes: Pick<ChangeWatch, 'ready'>,
): HoldContents {
  const read = <Kind extends ContentKind>(id: string, kind: Kind, revision?: number) =>
    available(async () => {
      await changes.ready();
      return await readSealed(db, vault, id, kind, revision);
    });
  return {
    call: (id, revision) => read(id, 'call', revision),
    response: (id) => read(id, 'response'),
    handoff: (id) => read(id, 'handoff'),
    artifact: (id, name) => read(id, `artifact/${name}`),
    answer: (id) => read(id, 'answer'),
  };
}

/** Encrypts contents and keeps them with the hold's current revision. */
export async function keepSealed(
  trx: Transaction<Schema>,
  vault: Vault,
  { id: hold_id, revision }: Hold,
  contents: readonly Content[],
): Promise<void> {
  if (contents.length === 0) return;
  const rows = contents.map(({ kind, content }) => ({
    hold_id,
    kind,
    revision,
    content: vault.seal(toBytes(content), { holdId: hold_id, kind, revision }),
  }));
  await trx.insertInto('sealed').values(rows).execute();
}

/**
 * The newest content of a kind, decrypted, or the one that was in force at `revision`; null when there is none (any
 * more).
 */
export async function readSealed<Kind extends ContentKind>(
  db: Kysely<Schema>,
  vault: Vault,
  holdId: string,
  kind: Kind,
  revision?: number,
): Promise<Contents[Kind] | null> {
  let query = db
    .selectFrom('sealed')
    .select(['content', 'revision'])
    .where('hold_id', '=', holdId)
    .where('kind', '=', kind);
  if (revision !== undefined) query = query.where('revision', '<=', revision);
  const row = await query.orderBy('revision', 'desc').limit(1).executeTakeFirst();
  if (!row) return null;
  return fromBytes<Contents[Kind]>(vault.open(row.content, { holdId, kind, revision: row.revision }));
}

/**
 * Leaves a marker sealed with the first key that opens this database.
 * @throws Error for operators when that was another key: nothing may be written to a database that cannot be read.
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
    throw new Error(
      'the holds were stored with another key: put that key back (gateways on one database share it), or move the database away',
      { cause },
    );
  }
}

/** Length of the JSON part (32 bits, big-endian), JSON part, and the member of bytes, where there is one, as it is. */
function toBytes(content: Content['content']): Buffer {
  const [name, bytes] = Object.entries(content).find(([, value]) => Buffer.isBuffer(value)) ?? [null, Buffer.alloc(0)];
  const rest =
    name === null ? content : Object.fromEntries(Object.entries(content).filter(([member]) => member !== name));
  const json = Buffer.from(JSON.stringify({ bytes: name, rest }));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(json.length);
  return Buffer.concat([length, json, bytes as Buffer]);
}

/** Only for bytes that came out of the vault, which vouches for their shape. */
function fromBytes<Kept>(sealed: Buffer): Kept {
  const start = LENGTH_BYTES + sealed.readUInt32BE(0);
  // What agents hand over is given back to the digit.
  const json: unknown = parseExactly(sealed.toString('utf8', LENGTH_BYTES, start));
  const { bytes, rest } = json as { bytes: string | null; rest: Kept };
  return bytes === null ? rest : { ...rest, [bytes]: sealed.subarray(start) };
}
