import { describe, expect, test } from 'vitest';
import { SESSION_LIFE, type SessionDraft } from '../../../../gateway/domain/session.ts';
import type { Store } from '../../../../gateway/domain/store.ts';
import { engines } from './engines.ts';
import { useStores } from './stores.ts';

const HOUR = 3_600_000;
const TOKEN_HASH = 'a'.repeat(64);
const draft = (changes: Partial<SessionDraft> = {}): SessionDraft => ({
  reviewer: 'ben@example.com',
  tokenHash: TOKEN_HASH,
  userAgent: 'Firefox',
  address: '127.0.0.1',
  link: null,
  ...changes,
});

async function events({ outbox }: Store): Promise<object[]> {
  return (await outbox.read(0, 100)).map(({ event: { type, actor, actor_kind, channel, reason } }) => ({
    type,
    actor,
    actor_kind,
    channel,
    reason,
  }));
}

describe.each(engines)('sessions in $name', (engine) => {
  const stores = useStores(engine);

  async function opened(store: Store, changes: Partial<SessionDraft> = {}) {
    const result = await store.sessions.open(draft(changes));
    if (!result) throw new Error('no session was opened');
    return result;
  }

  test('a session is found by its secret on every gateway, and after a restart', async () => {
    const first = await stores.open();
    const { session, secret } = await opened(first);
    expect(session).toMatchObject({ reviewer: 'ben@example.com', tokenHash: TOKEN_HASH, userAgent: 'Firefox' });
    expect(await first.sessions.find(secret)).toEqual(session);
    expect(await (await stores.open()).sessions.find(secret)).toEqual(session);
  });

  test('a secret that is unknown, changed or of another form finds no session', async () => {
    const { sessions } = await stores.open();
    const { session, secret } = await opened(await stores.open());
    const changed = secret.slice(0, -2) + (secret.endsWith('AA') ? 'BB' : 'AA');
    for (const other of ['', changed, `${secret} `, session.id, `hp_session_${'a'.repeat(43)}`]) {
      expect([other, await sessions.find(other)]).toEqual([other, null]);
    }
  });

  test('every session has a secret of its own', async () => {
    const store = await stores.open();
    const [one, two] = [await opened(store), await opened(store)];
    expect(one.secret).not.toBe(two.secret);
    expect(one.session.id).not.toBe(two.session.id);
  });

  test('a session lasts 12 hours, however often it is used', async () => {
    const store = await stores.open();
    const { session, secret } = await opened(store);
    for (let hour = 1; hour < 12; hour++) {
      stores.now += HOUR;
      expect(await store.sessions.find(secret)).toMatchObject({ id: session.id, lastSeenAt: stores.now });
    }
    stores.now += HOUR - 1;
    expect(await store.sessions.find(secret)).not.toBeNull();
    stores.now += 1;
    expect(session.expiresAt).toBe(stores.now);
    expect([await store.sessions.find(secret), await store.sessions.list()]).toEqual([null, []]);
  });

  test('a session does not outlast its time because the clock was set back', async () => {
    const store = await stores.open();
    const { secret } = await opened(store);
    stores.now -= HOUR;
    expect([await store.sessions.find(secret), await store.sessions.list()]).toEqual([null, []]);
  });

  test('a one-time link opens one session, also when two gateways redeem it at once', async () => {
    const gateways = [await stores.open(), await stores.open()];
    for (let round = 0; round < 10; round++) {
      const link = `link-${round}`;
      const results = await Promise.all(gateways.map(({ sessions }) => sessions.open(draft({ link }))));
      expect(results.filter((result) => result !== null)).toHaveLength(1);
      expect(await gateways[0]!.sessions.open(draft({ link }))).toBeNull();
    }
    expect(await events(gateways[0]!)).toHaveLength(10);
  });

  test('a link stays used after its session has ended', async () => {
    const store = await stores.open();
    const { session } = await opened(store, { link: 'link-1' });
    await store.sessions.end(session.id, session.reviewer, 'console');
    await store.prune(stores.now);
    expect(await store.sessions.open(draft({ link: 'link-1' }))).toBeNull();
  });

  test('a session that was ended is gone on every gateway, and ends once', async () => {
    const [one, two] = [await stores.open(), await stores.open()];
    const { session, secret } = await opened(one);
    expect(await two.sessions.end(session.id, session.reviewer, 'console')).toBe(true);
    expect([await one.sessions.find(secret), await one.sessions.list()]).toEqual([null, []]);
    expect(await one.sessions.end(session.id, session.reviewer, 'console')).toBe(false);
    expect(await one.sessions.end('sess_none', session.reviewer, 'console')).toBe(false);
  });

  test('sessions are listed newest first, all or those of one reviewer', async () => {
    const store = await stores.open();
    const names = ['ben@example.com', 'ana@example.com', 'ben@example.com'];
    const ids: string[] = [];
    for (const reviewer of names) ids.unshift((await opened(store, { reviewer })).session.id);
    expect((await store.sessions.list()).map(({ id }) => id)).toEqual(ids);
    expect((await store.sessions.list('ben@example.com')).map(({ id }) => id)).toEqual([ids[0], ids[2]]);
  });

  test('revoking ends the sessions of one reviewer, except those under tokens that stay', async () => {
    const store = await stores.open();
    const gone = await opened(store);
    const kept = await opened(store, { tokenHash: 'b'.repeat(64) });
    const other = await opened(store, { reviewer: 'ana@example.com' });
    expect(await store.sessions.revoke('ben@example.com', ['b'.repeat(64)], 'a token left')).toBe(1);
    expect(await store.sessions.find(gone.secret)).toBeNull();
    expect((await store.sessions.list()).map(({ id }) => id)).toEqual([other.session.id, kept.session.id]);
    expect(await store.sessions.revoke('ben@example.com', [], 'the reviewer left')).toBe(1);
    expect(await store.sessions.revoke('ben@example.com', [], 'the reviewer left')).toBe(0);
  });

  test('signing in, signing out and revoking are on record, with the person and without a secret', async () => {
    const store = await stores.open();
    const one = await opened(store);
    const two = await opened(store, { link: 'link-1' });
    await opened(store);
    await store.sessions.end(one.session.id, 'ben@example.com', 'console');
    await store.sessions.end(two.session.id, 'olga@example.com', 'api');
    await store.sessions.revoke('ben@example.com', [], 'the reviewer ben@example.com left the configuration');
    const ben = { actor: 'ben@example.com', actor_kind: 'reviewer', channel: 'console' };
    expect(await events(store)).toEqual([
      { type: 'session.opened', ...ben, reason: 'with a token' },
      { type: 'session.opened', ...ben, reason: 'with a one-time link' },
      { type: 'session.opened', ...ben, reason: 'with a token' },
      { type: 'session.ended', ...ben, reason: 'signed out' },
      {
        type: 'session.ended',
        actor: 'olga@example.com',
        actor_kind: 'reviewer',
        channel: 'api',
        reason: 'of ben@example.com',
      },
      {
        type: 'session.ended',
        actor: 'holdpoint',
        actor_kind: 'gateway',
        channel: 'console',
        reason: 'the reviewer ben@example.com left the configuration',
      },
    ]);
  });

  test('the database has no secret of a session, and without the key it gives no session to anybody', async () => {
    const store = await stores.open();
    const { session, secret } = await opened(store);
    const mine = await opened(store, { reviewer: 'mallory@example.com' });
    const rows = await stores.place.raw('select * from sessions');
    expect(JSON.stringify([rows, await events(store)])).not.toContain(secret.slice('hp_session_'.length));
    expect(JSON.stringify(rows)).not.toContain(TOKEN_HASH);
    // Mallory gives her secret to the session of Ben, then her session to Ben.
    const [theirs, own] = ['ben@example.com', 'mallory@example.com'].map((name) =>
      rows.find(({ reviewer }) => reviewer === name)!,
    );
    await stores.place.raw(`update sessions set secret_hash = 'x' where id = '${String(own!['id'])}'`);
    await stores.place.raw(
      `update sessions set secret_hash = '${String(own!['secret_hash'])}' where id = '${session.id}'`,
    );
    expect(await store.sessions.find(mine.secret)).toBeNull();
    await stores.place.raw(`update sessions set document = '${String(theirs!['document'])}', secret_hash = 'y'
      where id = '${String(own!['id'])}'`);
    await expect(store.sessions.list()).rejects.toThrow();
  });

  test('sessions are deleted when their time is over', async () => {
    const store = await stores.open();
    await opened(store);
    stores.now += SESSION_LIFE + 1;
    await store.prune(stores.now);
    expect(await stores.place.raw('select id from sessions')).toEqual([]);
  });
});
