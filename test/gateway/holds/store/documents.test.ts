import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { createDocuments } from '../../../../gateway/holds/store/documents.ts';
import { SCHEMA_VERSION } from '../../../../gateway/holds/store/migrations.ts';
import { createVault } from '../../../../gateway/holds/store/vault.ts';
import { draft, KEY, MINUTE, refundCall, reviewer } from '../../../helpers/hold.ts';
import { engines } from './engines.ts';
import { approve, must, reject, useStores } from './stores.ts';

const SECRETS = [
  'sk_live_path_00000001',
  'sk_live_reason_00000001',
  'sk_live_note_00000001',
  'sk_live_task_00000001',
  'sk_live_vote_00000001',
];

const quoting = () => {
  const base = draft(400);
  return draft(400, {
    path: '/v1/refunds/sk_live_path_00000001',
    reason: 'of sk_live_reason_00000001',
    rules: [{ ...base.rules[0]!, reason: 'of sk_live_reason_00000001' }],
    claims: { ...base.claims, task: 'sk_live_task_00000001' },
  });
};

describe.each(engines)('documents in $name', (engine) => {
  const stores = useStores(engine);

  const rows = async () => [
    ...(await stores.place.raw('select id, version, document from holds order by id')),
    ...(await stores.place.raw('select id, document from grants order by id')),
  ];

  /** A hold with words of people, and a grant. */
  async function filled() {
    const store = await stores.open();
    const { hold } = await store.holds.open(quoting());
    await must(
      store.holds.apply(hold.id, {
        type: 'note',
        by: reviewer('ben'),
        channel: 'api',
        revision: 1,
        text: 'sk_live_note_00000001',
      }),
    );
    const grant = { uses: 5, until: stores.now + 60 * MINUTE, open: ['/amount'] };
    await must(store.holds.apply(hold.id, approve('ben', { note: 'sk_live_vote_00000001', grant })));
    return { store, id: hold.id };
  }

  /** Takes the tables back to what the version before wrote. */
  async function age(): Promise<void> {
    const documents = createDocuments(createVault(KEY));
    for (const table of ['holds', 'grants']) {
      for (const { id, document } of await stores.place.raw(`select id, document from ${table}`)) {
        const plain = JSON.stringify(documents.open(String(id), String(document))).replaceAll("'", "''");
        await stores.place.raw(`update ${table} set document = '${plain}' where id = '${String(id)}'`);
      }
    }
    for (const index of ['notices_hold', 'notices_digest']) await stores.place.raw(`drop index ${index}`);
    for (const column of ['if_unanswered', 'receipt', 'digest_id'])
      await stores.place.raw(`alter table notices drop column ${column}`);
    for (const table of ['tools', 'tasks', 'preferences', 'sessions']) await stores.place.raw(`drop table ${table}`);
    await stores.place.raw('drop index holds_decide_by');
    await stores.place.raw('alter table holds drop column decide_by');
    await stores.place.raw('alter table suspensions drop column lift_by');
    await stores.place.raw('update schema_version set version = 6');
  }

  test('a database without its key shows no path, reason, note or claim, and no amount of a grant', async () => {
    const { store, id } = await filled();
    const stored = JSON.stringify(await rows());
    for (const secret of SECRETS) expect(stored).not.toContain(secret);
    expect(stored).not.toContain('ceilings');
    const found = await store.holds.find(id);
    for (const secret of SECRETS) expect(JSON.stringify(found)).toContain(secret);
    expect((await store.grants.list({ active: true, limit: 10 })).items).toMatchObject([
      { holdId: id, ceilings: { '/amount': '400' } },
    ]);
  });

  test('documents of an earlier version are sealed at the start, and holds and grants go on', async () => {
    const { store, id } = await filled();
    const before = await store.holds.find(id);
    await store.close();
    await age();
    expect(JSON.stringify(await rows())).toContain('sk_live_path_00000001');

    const later = await stores.open();
    const stored = JSON.stringify(await rows());
    for (const secret of SECRETS) expect(stored).not.toContain(secret);
    expect(await stores.place.raw('select version from schema_version')).toMatchObject([{ version: SCHEMA_VERSION }]);
    expect(await later.holds.find(id)).toEqual(before);
    expect(await later.holds.releasable()).toEqual([]);
    const covered = await later.holds.open(draft(300, { call: refundCall(300) }));
    expect(covered).toMatchObject({ attached: false, hold: { status: 'approved' } });
    const { hold } = await later.holds.open(draft(900));
    await must(later.holds.apply(hold.id, reject));
  });

  test('holds of an earlier version that wait are in the list by the clock', async () => {
    const { store } = await filled();
    const { hold } = await store.holds.open(draft(900));
    await store.close();
    await age();
    const later = await stores.open();
    expect((await later.holds.list({ limit: 10, order: 'due' })).items).toEqual([hold]);
  });

  test('two programs that start on an earlier database at once seal it once', async () => {
    const { store, id } = await filled();
    await store.close();
    await age();
    const [one, other] = await Promise.all([stores.open(), stores.open()]);
    expect(await one.holds.find(id)).toEqual(await other.holds.find(id));
  });

  test('an earlier database that belongs to another key is refused and left as it was', async () => {
    const { store } = await filled();
    await store.close();
    await age();
    const before = await rows();
    await expect(stores.open({ key: Buffer.alloc(32, 9) })).rejects.toThrow('stored with another key');
    expect(await rows()).toEqual(before);
    expect(await stores.place.raw('select version from schema_version')).toMatchObject([{ version: 6 }]);
    await stores.open();
  });

  test('a row that was given the document of another does not open', async () => {
    const { store, id } = await filled();
    const { hold: other } = await store.holds.open(draft(900));
    await stores.place.raw(
      `update holds set document = (select document from holds where id = '${other.id}') where id = '${id}'`,
    );
    await expect(store.holds.find(id)).rejects.toThrow();
    expect(await store.holds.find(other.id)).toMatchObject({ id: other.id });
  });

  test('what was sealed later is in no file of the database any more', async () => {
    if (!('file' in stores.place.at)) return;
    const { store } = await filled();
    await store.close();
    await age();
    const { file } = stores.place.at;
    const bytes = async () =>
      Buffer.concat(
        await Promise.all([file, `${file}-wal`].map((name) => readFile(name).catch(() => Buffer.alloc(0)))),
      );
    expect((await bytes()).includes('sk_live_path_00000001')).toBe(true);
    await stores.open();
    for (const secret of SECRETS) expect((await bytes()).includes(secret)).toBe(false);
  });
});
