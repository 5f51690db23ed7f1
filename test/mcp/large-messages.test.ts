import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDataPlane, TOKEN, type DataPlane } from '../helpers/data-plane.ts';
import { CLIENTS } from './clients.ts';
import { startDualEraServer } from './ledger-server.ts';
import { ledgerRules } from './ledger.ts';
import type { TestServer } from './legacy-server.ts';
import { modern, post } from './speak.ts';

let server: TestServer;
let plane: DataPlane;
let url: string;

beforeAll(async () => {
  server = await startDualEraServer();
  plane = await startDataPlane({
    systems: { ledger: { upstream: server.url, mcp: '/mcp', body_limit: '100KiB' } },
    rego: { 'ledger.rego': ledgerRules('ledger') },
  });
  url = `${plane.url}/ledger/mcp`;
});
afterAll(async () => {
  await plane.close();
  await server.close();
});

const filler = (bytes: number) => 'x\\"}{\\\\][,:\\u0022'.repeat(bytes / 16);
const args = (bytes: number) =>
  `{"id":5,"method":"x","note":"${filler(bytes)}","of":[{"id":6},[[{}]],"}"],"\\"id":7,"amount":1}`;

describe('a message over body_limit gets a refusal under its id', () => {
  test.each([
    [
      'at the end, as the official clients write it',
      2,
      (a: string) => `{"method":"tools/call","params":{"name":"refund","arguments":${a}},"jsonrpc":"2.0","id":7}`,
      '7',
    ],
    [
      'in front',
      2,
      (a: string) => `{"id":"7","jsonrpc":"2.0","method":"tools/call","params":{"arguments":${a},"name":"refund"}}`,
      '"7"',
    ],
    [
      'with space around',
      2,
      (a: string) =>
        ` {\n "params" : { "arguments" : ${a} } ,\r\n\t"method" : "tools/call" , "id" : "a\\"}\\u00e9é" }\n`,
      '"a\\"}\\u00e9é"',
    ],
    [
      'of 64 bits',
      20,
      (a: string) => `{"method":"tools/call","params":{"arguments":${a}},"id":-9007199254740993}`,
      '-9007199254740993',
    ],
  ] as const)('%s, %d MiB', async (_, mib, write, id) => {
    const answer = await post(url, write(args(mib * 2 ** 20)));
    expect(answer.status).toBe(200);
    const text = await answer.text();
    expect(text).toContain(`"id":${id},`);
    expect(JSON.parse(text)).toMatchObject({
      result: {
        isError: true,
        content: [{ text: expect.stringContaining('at most 102400 bytes') }],
        _meta: { 'holdpoint/decision': { verdict: 'block', code: 'body-too-large' } },
      },
    });
  });

  test('in the form of its revision', async () => {
    const [message, headers] = modern('m', 'tools/call', { name: 'refund', arguments: { note: filler(2 ** 20) } });
    const answer = await post(url, message, { headers });
    expect(await answer.json()).toMatchObject({ id: 'm', result: { resultType: 'complete', isError: true } });
  });

  test('as an error, where it calls no tool', async () => {
    const answer = await post(url, `{"method":"prompts/get","params":{"arguments":${args(2 ** 20)}},"id":8}`);
    expect([answer.status, await answer.json()]).toMatchObject([200, { id: 8, error: { code: 413 } }]);
  });
});

describe('a body over body_limit gets 413', () => {
  test.each([
    ['if it is a batch', (a: string) => `[{"method":"tools/call","params":{"arguments":${a}},"id":7}]`],
    ['if it is a response', (a: string) => `{"result":${a},"id":7}`],
    ['if it is a notification', (a: string) => `{"method":"notifications/progress","params":${a}}`],
    ['if its id is none', (a: string) => `{"method":"tools/call","params":${a},"id":[7]}`],
    ['if it is no JSON', (a: string) => `"id":7,${a}`],
    ['if it ends early', (a: string) => `{"method":"tools/call","id":7,"params":${a}`],
    [
      'if it is far too large',
      (a: string) => `{"method":"tools/call","id":7,"params":{"a":${a},"b":"${'x'.repeat(33 * 2 ** 20)}"}}`,
    ],
  ])('%s', async (_, write) => {
    const answer = await post(url, write(args(2 ** 20)));
    expect(answer.status).toBe(413);
    const text = await answer.text();
    expect(text === '' || (JSON.parse(text) as { id: unknown }).id === null).toBe(true);
  });
});

describe.each(CLIENTS)('$name', { timeout: 300_000 }, ({ connect }) => {
  test('tells its model that a call is too large, and goes on', async () => {
    const client = await connect(url, TOKEN);
    try {
      const result = await client.call('refund', { amount: 1, note: 'x'.repeat(2 ** 20) });
      expect(result).toMatchObject({ isError: true, text: expect.stringContaining('at most 102400 bytes') });
      expect(await client.call('refund', { amount: 2 })).toMatchObject({ isError: false, text: 'refunded 2' });
    } finally {
      await client.close();
    }
  });
});
