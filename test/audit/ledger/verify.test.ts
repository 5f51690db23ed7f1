import { generateKeyPairSync, randomUUID } from 'node:crypto';
import type { ClickHouseClient } from '@clickhouse/client';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connectClickHouse } from '../../../audit/clickhouse/clickhouse.ts';
import { createSigner, keyId } from '../../../audit/ledger/ledger.ts';
import { migrate } from '../../../audit/clickhouse/migrate.ts';
import { startEmbedded, type Embedded } from '../../../audit/clickhouse/start-embedded.ts';
import { readCheckpoints } from '../../../audit/ledger/checkpoints.ts';
import { verifyRecord, type VerifyOptions } from '../../../audit/ledger/verify.ts';
import { eventLine } from '../../../audit/journal/event-line.ts';
import type { Event } from '../../../gateway/domain/event.ts';
import { tempFolder, type TempFolder } from '../../helpers/folder.ts';
import { writeRecord } from './record.ts';

const START_AT = Date.parse('2026-11-01T08:00:00Z');
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const signer = createSigner(privateKey);
const keys = new Map([[keyId(publicKey), publicKey]]);

let folder: TempFolder;
let engine: Embedded;
let client: ClickHouseClient;
let chain: string;

beforeAll(async () => {
  folder = tempFolder();
  engine = await startEmbedded({ path: folder.path });
  client = connectClickHouse(engine);
  await migrate(client);
});
afterAll(async () => {
  await client.close();
  engine.child.kill('SIGKILL');
  folder.remove();
});

/** Twelve events in three segments of four, and three behind them that nothing is signed for. */
beforeEach(async () => {
  await client.command({ query: 'TRUNCATE TABLE holdpoint.events' });
  await client.command({ query: 'TRUNCATE TABLE holdpoint.checkpoints' });
  chain = randomUUID();
  const segments = [0, 1, 2].map((segment) => [0, 1, 2, 3].map((n) => event(segment * 4 + n)));
  await writeRecord(client, { chain, signer, segments, tail: [12, 13, 14].map(event) });
});

function event(n: number): Event {
  return {
    event_id: `evt_${String(n + 1).padStart(4, '0')}`,
    at: START_AT + n * 1000,
    node: 'gw-1',
    type: 'call.decided',
    layer: 'decide',
    agent: `agent-${n % 3}`,
    owner: 'ana@example.com',
    system: 'payments',
    verdict: 'allow',
    reason: `Refunds of up to 50.00 are "allowed" / ${n}`,
    rules: ['rules.payments/small-refund'],
    confidence: n % 2 === 0 ? 0 : 0.92,
    cost: 0.1 * n,
    input: JSON.stringify({ action: { body: { amount: n, note: 'naïve\n\\ 😀' } } }),
  };
}

async function verify(options: Partial<VerifyOptions> = {}) {
  const [report] = await verifyRecord({ client, keys, ...options });
  return report!;
}

/** What somebody with rights on the database might do. */
async function tamper(statement: string): Promise<void> {
  await client.command({ query: `ALTER TABLE holdpoint.events ${statement} SETTINGS mutations_sync = 2` });
}

const firstBreak = async (options?: Partial<VerifyOptions>) => {
  const { breaks } = await verify(options);
  const [found] = breaks;
  return found && { kind: found.kind, first: found.first, last: found.last, event: found.event };
};

test('an untouched record is whole, and says how much is signed', async () => {
  expect(await verify()).toEqual({
    chain,
    nodes: ['gw-1'],
    verified: 12,
    checkpoints: 3,
    unsigned: 3,
    expired: 0,
    signedAt: START_AT + 11_000,
    breaks: [],
  });
});

test('text and numbers that the engine writes in another form are no break of the record', async () => {
  await client.command({ query: 'TRUNCATE TABLE holdpoint.events' });
  await client.command({ query: 'TRUNCATE TABLE holdpoint.checkpoints' });
  const odd = ['\u0000\u001f\u007f', '\u2028\u2029', '\\/"', 'a\ud800b'].map((reason, n) => ({ ...event(n), reason }));
  const costs = [1e21, 1e-7, 0.1 + 0.2, 123_456_789_012_345_680_000].map((cost, n) => ({ ...event(n + 4), cost }));
  await writeRecord(client, { chain, signer, segments: [odd, costs] });
  expect(await verify()).toMatchObject({ verified: 8, breaks: [] });
});

test('a record with lines of both versions is whole, with inputs of every form', async () => {
  await client.command({ query: 'TRUNCATE TABLE holdpoint.events' });
  await client.command({ query: 'TRUNCATE TABLE holdpoint.checkpoints' });
  const texts = ['{"a": 1.00}', '{\n  "a": 1\n}', '{"a":\r1}', '{"a":"\u2028"}', '"{}"', '{}}', ''];
  const segments = [1, 2].map((version) =>
    texts.map((input, n) => ({ ...event((version - 1) * texts.length + n), version, input })),
  );
  await writeRecord(client, { chain, signer, segments });
  expect(await verify()).toMatchObject({ verified: 14, breaks: [] });
});

describe('verification names the first break', () => {
  test('verification finds members of a row that were moved into its input', async () => {
    await client.command({ query: 'TRUNCATE TABLE holdpoint.events' });
    await client.command({ query: 'TRUNCATE TABLE holdpoint.checkpoints' });
    const masked = [0, 1, 2].map((n) => ({ ...event(n), masked: ['/action/body/key'] }));
    await writeRecord(client, { chain, signer, segments: [masked] });
    await tamper(`UPDATE input = concat(input, ',"masked":["/action/body/key"]'), masked = [] WHERE seq = 2`);
    expect(await firstBreak()).toEqual({ kind: 'changed', first: 2, last: 2, event: 'evt_0002' });
  });

  test('verification finds a changed member of a row', async () => {
    await tamper(`UPDATE verdict = 'block' WHERE seq = 6`);
    expect(await firstBreak()).toEqual({ kind: 'changed', first: 6, last: 6, event: 'evt_0006' });
  });

  test('verification finds a change in the masked input', async () => {
    await tamper(`UPDATE input = replace(input, '"amount":6', '"amount":1') WHERE seq = 7`);
    expect(await firstBreak()).toEqual({ kind: 'changed', first: 7, last: 7, event: 'evt_0007' });
  });

  test('verification finds a time that was moved by a year', async () => {
    await client.command({ query: 'TRUNCATE TABLE holdpoint.events' });
    await client.command({ query: 'TRUNCATE TABLE holdpoint.checkpoints' });
    const moved = [0, 1, 2, 3].map(event);
    await writeRecord(client, { chain, signer, segments: [moved] });
    // `at` is part of the order, so it cannot be updated in place: the row is written anew.
    await client.command({
      query: `INSERT INTO holdpoint.events SELECT * REPLACE (at - INTERVAL 1 YEAR AS at) FROM holdpoint.events WHERE seq = 2`,
    });
    await tamper(`DELETE WHERE seq = 2 AND at > '2026-01-01 00:00:00'`);
    expect(await firstBreak()).toEqual({ kind: 'changed', first: 2, last: 2, event: 'evt_0002' });
  });

  test('verification finds a deleted row', async () => {
    await tamper('DELETE WHERE seq = 5');
    expect(await firstBreak()).toEqual({ kind: 'missing', first: 5, last: 5, event: null });
  });

  test('verification finds deleted consecutive rows across the end of a segment', async () => {
    await tamper('DELETE WHERE seq BETWEEN 3 AND 6');
    const { breaks } = await verify();
    expect(breaks.map(({ kind, first, last }) => [kind, first, last])).toEqual([
      ['missing', 3, 4],
      ['missing', 5, 6],
    ]);
  });

  test('verification finds two rows that changed places', async () => {
    await tamper('UPDATE seq = if(seq = 6, 8, 6) WHERE seq IN (6, 8)');
    const { breaks } = await verify();
    expect(breaks.map(({ kind, first }) => [kind, first])).toEqual([
      ['moved', 6],
      ['moved', 8],
    ]);
  });

  test('verification finds a row that was added under a used number', async () => {
    await client.command({
      query: `INSERT INTO holdpoint.events SELECT * REPLACE ('evt_9999' AS event_id) FROM holdpoint.events WHERE seq = 9`,
    });
    expect(await firstBreak()).toEqual({ kind: 'repeated', first: 9, last: 9, event: 'evt_9999' });
  });

  test.each([
    ['under a number that is taken, and a time at which nobody looks for it', 'at - toIntervalYear(1) AS at', 9],
    ['under a number that none has', 'toUInt64(0) AS seq', 0],
  ])('a row was added %s', async (_how, change, seq) => {
    await client.command({
      query: `INSERT INTO holdpoint.events SELECT * REPLACE ('evt_9999' AS event_id, ${change})
        FROM (SELECT * FROM holdpoint.events WHERE seq = 9)`,
    });
    expect(await firstBreak()).toEqual({ kind: 'repeated', first: seq, last: seq, event: 'evt_9999' });
  });

  test('verification finds a changed row with a new hash', async () => {
    await client.command({ query: 'TRUNCATE TABLE holdpoint.events' });
    const forged = [0, 1, 2, 3].map((n) => (n === 1 ? { ...event(n), verdict: 'hold' as const } : event(n)));
    const other = createSigner(generateKeyPairSync('ed25519').privateKey);
    await writeRecord(client, { chain, signer: other, segments: [forged] });
    await client.command({ query: `DELETE FROM holdpoint.checkpoints WHERE key = '${other.key}'` });
    expect(await firstBreak()).toEqual({ kind: 'rewritten', first: 1, last: 4, event: null });
  });

  test('verification finds rewritten rows and checkpoints with a foreign signature', async () => {
    await client.command({ query: 'TRUNCATE TABLE holdpoint.events' });
    await client.command({ query: 'TRUNCATE TABLE holdpoint.checkpoints' });
    const other = createSigner(generateKeyPairSync('ed25519').privateKey);
    await writeRecord(client, { chain, signer: other, segments: [[0, 1, 2].map(event)] });
    expect(await firstBreak()).toEqual({ kind: 'forged', first: 1, last: 3, event: null });
  });

  test('verification finds a changed checkpoint in the middle', async () => {
    await client.command({
      query: `ALTER TABLE holdpoint.checkpoints UPDATE at = at - 5 WHERE seq = 8 SETTINGS mutations_sync = 2`,
    });
    expect((await verify()).breaks.map(({ kind, last }) => [kind, last])).toEqual([
      ['forged', 8],
      ['unlinked', 12],
    ]);
  });

  test('verification finds a deleted checkpoint', async () => {
    await client.command({ query: 'DELETE FROM holdpoint.checkpoints WHERE seq = 8' });
    expect(await firstBreak()).toEqual({ kind: 'unlinked', first: 5, last: 12, event: null });
  });

  test('verification finds that the end was cut off, with its checkpoint', async () => {
    await tamper('DELETE WHERE seq > 8');
    await client.command({ query: 'DELETE FROM holdpoint.checkpoints WHERE seq > 8' });
    const anchors = new Map([[chain, { delivered: 12, heads: [] }]]);
    expect(await firstBreak({ anchors })).toEqual({ kind: 'truncated', first: 9, last: 12, event: null });
  });

  test('verification finds that the beginning was cut off', async () => {
    await tamper('DELETE WHERE seq <= 4');
    await client.command({ query: 'DELETE FROM holdpoint.checkpoints WHERE seq <= 4' });
    expect(await firstBreak()).toMatchObject({ kind: 'unlinked', first: 1 });
  });

  test('verification finds a missing row after the last checkpoint', async () => {
    await tamper('DELETE WHERE seq = 14');
    expect(await firstBreak()).toEqual({ kind: 'missing', first: 14, last: 14, event: null });
  });

  test('verification finds rows without a chain', async () => {
    await client.command({
      query: `INSERT INTO holdpoint.events SELECT * REPLACE ('' AS chain) FROM holdpoint.events WHERE seq = 9`,
    });
    const [nowhere] = await verifyRecord({ client, keys });
    expect(nowhere).toMatchObject({ chain: '', breaks: [{ kind: 'foreign' }] });
  });

  test('verification finds rows of a chain without checkpoints, unless they have just arrived from a new gateway', async () => {
    await client.command({ query: 'TRUNCATE TABLE holdpoint.checkpoints' });
    expect(await firstBreak()).toMatchObject({ kind: 'foreign' });
    const young = `SELECT * REPLACE (now64(3) AS shipped_at, 'young' AS chain) FROM holdpoint.events`;
    await client.command({ query: `INSERT INTO holdpoint.events ${young}` });
    const reports = await verifyRecord({ client, keys });
    expect(reports.find((report) => report.chain === 'young')).toMatchObject({ unsigned: 15, breaks: [] });
  });

  test('verification finds that a chain is gone that a journal knows', async () => {
    await client.command({ query: 'TRUNCATE TABLE holdpoint.events' });
    await client.command({ query: 'TRUNCATE TABLE holdpoint.checkpoints' });
    const anchors = new Map([[chain, { delivered: 12, heads: [] }]]);
    expect(await firstBreak({ anchors })).toEqual({ kind: 'truncated', first: 1, last: 12, event: null });
  });
});

test('rows that retention deleted are counted, and are no break', async () => {
  await tamper('DELETE WHERE seq <= 4');
  expect(await verify({ keptSince: START_AT + 60_000 })).toMatchObject({ expired: 4, verified: 8, breaks: [] });
  expect(await firstBreak({ keptSince: START_AT })).toMatchObject({ kind: 'missing', first: 1, last: 4 });
});

test('rows that retention deleted may have arrived long before their checkpoint', async () => {
  const [first, second] = await readCheckpoints(client, chain);
  await tamper('DELETE WHERE seq <= 6');
  const within = { expired: 8, verified: 4, breaks: [] };
  expect(await verify({ keptSince: first!.at + 1 })).toMatchObject(within);
  expect(await verify({ keptSince: second!.at + 1 })).toMatchObject(within);
});

test('an event in the dead letters is no gap in the record', async () => {
  await tamper('DELETE WHERE seq = 6');
  const setAside = new Map([[chain, new Map([[6, eventLine(event(5))]])]]);
  expect(await verify({ setAside })).toMatchObject({ verified: 12, breaks: [] });
});
