import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { approve, startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { startLegacyServer, type TestServer } from '../legacy-server.ts';
import { REGO } from './messages.ts';

describe.each([
  { answers: 'JSON', json: true },
  { answers: 'a stream', json: false },
])('with a server that answers with $answers', ({ json }) => {
  let server: TestServer;
  let plane: DataPlane;

  beforeAll(async () => {
    server = await startLegacyServer({ json });
    plane = await startDataPlane({
      systems: { ledger: { upstream: server.url, mcp: '/mcp', wait: '20s' } },
      rego: { 'ledger.rego': REGO },
    });
  });
  afterAll(async () => {
    await plane.close();
    await server.close();
  });

  async function connect(): Promise<{ readonly client: Client; readonly transport: StreamableHTTPClientTransport }> {
    const client = new Client({ name: 'test', version: '1.0.0' });
    const transport = new StreamableHTTPClientTransport(new URL(`${plane.url}/ledger/mcp`), {
      requestInit: { headers: { authorization: `Bearer ${TOKEN}` } },
    });
    await client.connect(transport);
    return { client, transport };
  }

  const held = async (amount: number): Promise<string> => {
    let id: string | undefined;
    await expect
      .poll(async () => {
        const { items } = await plane.store.holds.list({ status: 'pending', limit: 100 });
        for (const hold of items) {
          const call = await plane.store.contents.call(hold.id);
          if (call?.body.includes(`"amount":${amount}`)) ({ id } = hold);
        }
        return id;
      })
      .toBeDefined();
    return id!;
  };
  const executed = (amount: number) => server.executed.filter((call) => call.includes(String(amount)));

  test('a call whose session ended while people decided is executed once, in a session of the gateway that ends afterwards', async () => {
    const first = await connect();
    const lost = first.client.callTool({ name: 'refund', arguments: { amount: 900 } }).catch((error: unknown) => error);
    const id = await held(900);
    await first.transport.terminateSession();
    await first.client.close();
    await lost;

    const second = await connect();
    const result = second.client.callTool({ name: 'refund', arguments: { amount: 900 } });
    await approve(plane.store, id);
    expect((await result).structuredContent).toEqual({ refunded: 900 });
    expect(executed(900)).toHaveLength(1);
    await expect.poll(() => server.requests.filter(({ method }) => method === 'DELETE').length).toBe(2);
    await second.client.close();
  });

  test('a client that cancels a held call has hung up: the call is executed only when it asks again', async () => {
    const { client } = await connect();
    const call = { name: 'refund', arguments: { amount: 901 } };
    const abort = new AbortController();
    const cancelled = client.callTool(call, undefined, { signal: abort.signal }).catch((error: unknown) => error);
    const id = await held(901);
    abort.abort();
    await cancelled;
    const isNoted = ({ type, operation }: { type: string; operation?: unknown }) =>
      type === 'call.completed' && operation === 'mcp:notifications/cancelled';
    await expect.poll(async () => (await plane.events()).some(isNoted)).toBe(true);

    await approve(plane.store, id);
    await client.callTool({ name: 'refund', arguments: { amount: 50 } });
    expect(await plane.store.holds.find(id)).toMatchObject({ status: 'approved', execution: 'none' });
    expect((await client.callTool(call)).structuredContent).toEqual({ refunded: 901 });
    expect(executed(901)).toHaveLength(1);
    await client.close();
  });

  test('a result that clients cannot read from a stream comes with the next call, once, without another execution', async () => {
    const { client } = await connect();
    const result = client.callTool({ name: 'export', arguments: { bytes: 2 ** 21 } });
    let id: string | undefined;
    await expect
      .poll(async () => {
        const { items } = await plane.store.holds.list({ status: 'pending', limit: 1 });
        ({ id } = items[0] ?? {});
        return id;
      })
      .toBeDefined();
    await approve(plane.store, id!);
    const told = await result;
    expect(told).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('is too large') }] });
    const again = await client.callTool({ name: 'export', arguments: { bytes: 2 ** 21 } });
    expect(again).toMatchObject({ content: [{ text: 'x'.repeat(2 ** 21) }] });
    expect(server.executed.filter((call) => call.startsWith('export'))).toHaveLength(1);
    expect(await plane.store.holds.find(id!)).toMatchObject({ execution: 'executed', owed: null });
    await client.close();
  });
});
