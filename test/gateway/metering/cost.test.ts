import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Event } from '../../../gateway/domain/event.ts';
import { approve } from '../../helpers/data-plane.ts';
import { tempFolder } from '../../helpers/folder.ts';
import { costs, json, startScene, type Scene } from './scene.ts';
import { assertCall } from '../../../gateway/domain/hold.ts';

const REGO = `package rules.llm

allow contains {"rule": "any"} if not "cost" in object.keys(input.action.body)

allow contains {"rule": "priced", "cost": {"amount": input.action.body.cost, "unit": "EUR"}} if input.action.body.cost

hold contains {"rule": "large", "cost": {"amount": input.action.body.held, "unit": "EUR"}} if input.action.body.held

block contains {"rule": "never"} if input.action.body.blocked
`;

const SYSTEM = {
  costs: [
    { operations: ['POST /chat', 'POST /held'], answer: '/usage/total_tokens', unit: 'USD', price: 0.000002 },
    { operations: ['POST /metered'], header: 'X-Credits-Used', unit: 'credits' },
    { operations: ['POST /fixed', 'POST /chat'], amount: 0.1, unit: 'EUR' },
    { operations: ['POST /fixed'], amount: 99, unit: 'EUR' },
  ],
};

const EVENTS = [
  { choices: [{ delta: { content: 'Hel' } }], usage: null },
  { choices: [{ delta: { content: 'lo' } }], usage: null },
  { choices: [], usage: { total_tokens: 500_000 } },
];
const STREAM = `${EVENTS.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')}data: [DONE]\n\n`;

let scene: Scene;

beforeAll(async () => {
  scene = await startScene({ 'llm.rego': REGO }, SYSTEM);
});

afterAll(() => scene?.close());

/** The recorded cost of a call of this path and body, once it has ended. */
async function costOf(path: string, body: object = {}): Promise<ReturnType<typeof costs>> {
  const answer = await scene.call(path, body);
  await answer.arrayBuffer().catch(() => null);
  return costs(await scene.ended(path));
}

const usage = (total_tokens: unknown) => ({ id: 'chat_1', usage: { total_tokens } });

describe('the cost of a call', () => {
  test('the cost is the count in the answer times its price', async () => {
    scene.answers((response) => json(response, usage(1500)));
    expect(await costOf('/chat')).toEqual([['call.completed', 0.003, 'USD']]);
    scene.answers((response) => json(response, usage('1500')));
    expect(await costOf('/chat')).toEqual([['call.completed', 0.003, 'USD']]);
  });

  test('the cost may be in a header of the answer', async () => {
    scene.answers((response) => response.writeHead(204, { 'x-credits-used': '12.5' }).end());
    expect(await costOf('/metered')).toEqual([['call.completed', 12.5, 'credits']]);
  });

  test('the cost comes from policy, or else from the price list, when the answer does not tell', async () => {
    scene.answers((response) => json(response, usage(1500)));
    expect(await costOf('/chat', { cost: 7 })).toEqual([['call.completed', 0.003, 'USD']]);
    scene.answers((response) => json(response, { id: 'chat_1' }));
    expect(await costOf('/chat', { cost: 7 })).toEqual([['call.completed', 7, 'EUR']]);
    expect(await costOf('/chat')).toEqual([['call.completed', 0.1, 'EUR']]);
    expect(await costOf('/fixed')).toEqual([['call.completed', 0.1, 'EUR']]);
    expect(await costOf('/fixed', { cost: 7 })).toEqual([['call.completed', 7, 'EUR']]);
    expect(await costOf('/nobody/said')).toEqual([]);
  });

  test('a refused or undelivered call costs nothing, unless the answer charges for it', async () => {
    expect(await costOf('/fixed', { blocked: true, cost: 7 })).toEqual([]);
    scene.answers((response) => response.writeHead(402, { 'content-type': 'application/json' }).end('{}'));
    expect(await costOf('/chat', { cost: 7 })).toEqual([]);
    scene.answers((response) =>
      response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify(usage(10))),
    );
    expect(await costOf('/chat', { cost: 7 })).toEqual([['call.completed', 0.00002, 'USD']]);
    scene.answers((response) => response.destroy());
    expect(await costOf('/fixed', { cost: 7 })).toEqual([]);
  });

  const CODINGS = {
    gzip: gzipSync,
    'x-gzip': gzipSync,
    deflate: deflateSync,
    'deflate, bare': deflateRawSync,
    br: brotliCompressSync,
    zstd: zstdCompressSync,
  };
  test.for(Object.entries(CODINGS))(
    'the cost is read from an answer in %s, in pieces, which passes unchanged',
    async ([name, encode]) => {
      const bytes = encode(Buffer.from(JSON.stringify({ ...usage(3000), text: 'lorem ipsum '.repeat(500) })));
      const { promise: sent, resolve } = Promise.withResolvers<void>();
      scene.answers(async (response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': name.split(',')[0]! });
        for (let at = 0; at < bytes.length; at += 40) {
          response.write(bytes.subarray(at, at + 40));
          await pause(1);
        }
        response.end();
        resolve();
      });
      const answer = await scene.call('/chat', {}, { 'accept-encoding': 'identity' });
      expect(((await answer.json()) as { id: string }).id).toBe('chat_1');
      await sent;
      expect(costs(await scene.ended('/chat'))).toEqual([['call.completed', 0.006, 'USD']]);
    },
  );

  const unreadable: readonly [what: string, body: string | Buffer, headers?: Record<string, string>][] = [
    ['that is no JSON', '{"usage":{"total_tokens":5'],
    ['of another type', JSON.stringify(usage(5)), { 'content-type': 'text/plain' }],
    ['without a type', JSON.stringify(usage(5)), { 'content-type': '' }],
    ['without the place', '{"usage":[5]}'],
    ['with null in its place', JSON.stringify(usage(null))],
    ['with words in its place', JSON.stringify(usage('five'))],
    ['with a negative number', JSON.stringify(usage(-5))],
    ['with a number too large to be true', '{"usage":{"total_tokens":1e300}}'],
    ['with a number that is infinite', '{"usage":{"total_tokens":1e999}}'],
    ['in an unknown coding', JSON.stringify(usage(5)), { 'content-encoding': 'aes128gcm' }],
    [
      'in a coding that is named like a member of every object',
      JSON.stringify(usage(5)),
      { 'content-encoding': 'constructor' },
    ],
    ['in several codings', gzipSync(gzipSync(JSON.stringify(usage(5)))), { 'content-encoding': 'gzip, gzip' }],
    ['that is not what its coding says', JSON.stringify(usage(5)), { 'content-encoding': 'gzip' }],
    ['whose coding is cut off', gzipSync(JSON.stringify(usage(5))).subarray(0, -12), { 'content-encoding': 'gzip' }],
    [
      'that blows up when it is decompressed',
      gzipSync(JSON.stringify({ ...usage(5), bomb: '0'.repeat(2 ** 24) })),
      { 'content-encoding': 'gzip' },
    ],
    ['that is too long to be read', JSON.stringify({ ...usage(5), long: randomBytes(2 ** 18).toString('hex') })],
    ['nested beyond reason', '['.repeat(100_000)],
    ['that is empty', ''],
  ];
  test.for(unreadable)('the cost comes from policy for an answer %s', async ([, body, headers]) => {
    scene.answers((response) => {
      response.writeHead(200, { 'content-type': 'application/json', ...headers });
      response.end(body);
    });
    expect(await costOf('/chat', { cost: 7 })).toEqual([['call.completed', 7, 'EUR']]);
  });

  test('the cost comes from policy when the answer broke off, because the upstream had accepted the call', async () => {
    scene.answers((response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write(JSON.stringify(usage(5)), () => response.destroy());
    });
    expect(await costOf('/chat', { cost: 7 })).toEqual([['call.completed', 7, 'EUR']]);
  });

  test('the cost is in the last event of a stream that has it', async () => {
    scene.answers((response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end(STREAM));
    expect(await costOf('/chat', { cost: 7 })).toEqual([['call.completed', 1, 'USD']]);
    // Far from the end of the stream, and only the end is kept.
    scene.answers(async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
      for (let i = 0; i < 40; i++) {
        response.write(`data: ${JSON.stringify({ text: 'x'.repeat(10_000), usage: { total_tokens: 1 } })}\r\n\r\n`);
        await pause(1);
      }
      response.end(STREAM);
    });
    expect(await costOf('/chat')).toEqual([['call.completed', 1, 'USD']]);
    scene.answers((response) =>
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: [DONE]\n\n'),
    );
    expect(await costOf('/chat', { cost: 7 })).toEqual([['call.completed', 7, 'EUR']]);
  });

  test('a large answer passes unchanged, and its size is no error', async () => {
    const bytes = randomBytes(2 ** 23);
    scene.answers((response) => response.writeHead(200, { 'content-type': 'application/json' }).end(bytes));
    const answer = await scene.call('/chat', { cost: 7 });
    const got = Buffer.from(await answer.arrayBuffer());
    expect(sha(got)).toBe(sha(bytes));
    expect(costs(await scene.ended('/chat'))).toEqual([['call.completed', 7, 'EUR']]);
  });
});

describe('the cost of a held call', () => {
  const hold = async (body: object, headers: Record<string, string> = {}) => {
    const answered = scene.call('/held', body, headers);
    const pending = async () => (await scene.plane.store.holds.list({ status: 'pending', limit: 1 })).items[0];
    await expect.poll(pending).toBeDefined();
    return { answered, hold: (await pending())! };
  };
  const executed = (events: readonly Event[]) => events.filter(({ type }) => type === 'hold.executed').length;

  test('a hold shows the cost that policy gives, and the record has it once, at the release', async () => {
    scene.answers((response) => json(response, usage(1000)));
    const { answered, hold: waiting } = await hold({ held: 30, n: 1 });
    expect(assertCall(waiting).cost).toEqual({ amount: 30, unit: 'EUR' });
    await approve(scene.plane.store, waiting.id);
    expect((await answered).status).toBe(200);
    expect(costs(await scene.ended('/held'))).toEqual([['hold.executed', 0.002, 'USD']]);
  });

  test('the cost of a held call comes from the current policy when the answer does not tell', async () => {
    scene.answers((response) => json(response, {}));
    const { answered, hold: waiting } = await hold({ held: 30, n: 2 });
    await approve(scene.plane.store, waiting.id);
    await (await answered).text();
    expect(costs(await scene.ended('/held'))).toEqual([['hold.executed', 30, 'EUR']]);
  });

  test("a held call's cost is recorded once for all attached and later callers", async () => {
    scene.answers((response) => json(response, usage(1000)));
    const body = { held: 30, n: 3 };
    const key = { 'idempotency-key': 'the-same' };
    const { answered, hold: waiting } = await hold(body, key);
    const second = scene.call('/held', body, key);
    await expect
      .poll(async () => scene.plane.registry.getSingleMetricAsString('holdpoint_waiting_callers'))
      .toContain(' 2');
    await approve(scene.plane.store, waiting.id);
    const statuses = await Promise.all([answered, second].map(async (each) => (await each).status));
    expect(statuses).toEqual([200, 200]);
    expect((await scene.call('/held', body, key)).status).toBe(200);
    const all = [...(await scene.plane.events()), ...(await outbox(scene))].filter(
      ({ hold_id }) => hold_id === waiting.id,
    );
    await expect.poll(async () => (await completions(waiting.id)).length).toBe(3);
    expect(costs(all)).toEqual([['hold.executed', 0.002, 'USD']]);
    expect(costs(await completions(waiting.id))).toEqual([]);
  });

  test("a held call's cost is recorded by the process that releases it for a caller who left", async () => {
    scene.answers((response) => {
      const body = gzipSync(JSON.stringify(usage(4000)));
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(body);
    });
    const { answered, hold: waiting } = await hold({ held: 30, n: 4 }, { prefer: 'respond-async' });
    expect((await answered).status).toBe(202);
    const approved = await approve(scene.plane.store, waiting.id);
    await scene.control.release(approved, null);
    // A second releaser finds the hold released.
    await scene.control.release(approved, null);
    const events = await scene.ended('/held');
    expect(costs(events)).toEqual([['hold.executed', 0.008, 'USD']]);
    expect(executed(events)).toBe(1);
  });

  test('a held call that was not sent, or has an unknown outcome, costs nothing', async () => {
    const { answered, hold: waiting } = await hold({ held: 30, n: 5 }, { prefer: 'respond-async' });
    await answered;
    scene.answers((response) => response.destroy());
    await scene.control.release(await approve(scene.plane.store, waiting.id), null);
    const events = await scene.ended('/held');
    expect(events.map(({ type }) => type)).toContain('hold.indeterminate');
    expect(costs(events)).toEqual([]);
  });

  async function completions(id: string): Promise<Event[]> {
    return (await scene.plane.events()).filter(({ type, hold_id }) => type === 'call.completed' && hold_id === id);
  }
});

test('a held call that is released after a restart has its cost recorded once', async () => {
  const folder = tempFolder();
  const at = { file: join(folder.path, 'holds.sqlite') };
  const key = join(folder.path, 'holds.key');
  const body = { held: 30 };
  const before = await startScene({ 'llm.rego': REGO }, SYSTEM, { at, key });
  expect((await before.call('/held', body, { prefer: 'wait=0' })).status).toBe(503);
  await before.close();

  // An approval is for the upstream that its hold names.
  const upstreamPort = Number(new URL(before.upstream.url).port);
  const after = await startScene({ 'llm.rego': REGO }, SYSTEM, { at, key, upstreamPort });
  try {
    after.answers((response) => json(response, usage(1000)));
    const [waiting] = (await after.plane.store.holds.list({ status: 'pending', limit: 1 })).items;
    await approve(after.plane.store, waiting!.id);
    expect((await after.call('/held', body)).status).toBe(200);
    await after.ended('/held');
    expect(costs([...(await after.plane.events()), ...(await outbox(after))])).toEqual([
      ['hold.executed', 0.002, 'USD'],
    ]);
  } finally {
    await after.close();
    folder.remove();
  }
});

test('rules that give the cost of one call in different units fail the decision', async () => {
  const rego = `package rules.llm\n\nallow contains {"rule": "a", "cost": {"amount": 1, "unit": "EUR"}}\n\nallow contains {"rule": "b", "cost": {"amount": 2, "unit": input.action.body.unit}}\n`;
  const two = await startScene({ 'llm.rego': rego }, {});
  try {
    two.answers((response) => json(response, {}));
    expect((await two.call('/x', { unit: 'tokens' })).status).toBe(503);
    expect((await two.call('/y', { unit: 'EUR' })).status).toBe(200);
    expect(costs(await two.ended('/y'))).toEqual([['call.completed', 2, 'EUR']]);
  } finally {
    await two.close();
  }
});

async function outbox({ plane }: Scene): Promise<Event[]> {
  return (await plane.store.outbox.read(0, 10_000)).map(({ event }) => event);
}

function sha(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
