import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, TOKEN } from '../../helpers/gateway.ts';
import { startLegacyServer, type TestServer } from '../legacy-server.ts';
import { executeTool } from './messages.ts';
import { openScene, type Scene } from './scene.ts';

let server: TestServer;
let scene: Scene;

beforeAll(async () => {
  server = await startLegacyServer();
  scene = await openScene(executeTool, { upstream: server.url, wait: '30s' });
});
afterAll(async () => {
  await scene?.close();
  await server?.close();
});

async function connect(): Promise<Client> {
  const client = new Client({ name: 'test', version: '1.0.0' });
  const url = new URL(`${scene.gateway.url}/ledger/mcp`);
  const requestInit = { headers: { authorization: `Bearer ${TOKEN}` } };
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit }));
  return client;
}

const refund = (amount: number) => ({ name: 'refund', arguments: { amount } });
const executed = (amount: number) => server.executed.filter((call) => call.includes(`"amount":${amount}`));

async function stateOf(id: string): Promise<unknown> {
  const { status, execution } = (await scene.gateway.admin({ path: `/api/holds/${id}` })).json<
    Record<string, string>
  >();
  return `${status} ${execution}`;
}

/** The one undecided hold. */
async function pending(): Promise<string> {
  let id: string | undefined;
  await eventually('the call is held', async () => {
    [id] = (await scene.gateway.pending()).map(({ hold_id }) => hold_id);
    return id !== undefined;
  });
  return id!;
}

test('a cancellation finds the call that waits at another worker', async () => {
  const client = await connect();
  // Each connection is served by either of two workers.
  for (let amount = 901; amount < 907; amount++) {
    const abort = new AbortController();
    const cancelled = client
      .callTool(refund(amount), undefined, { signal: abort.signal })
      .catch((error: unknown) => error);
    const id = await pending();
    abort.abort();
    await cancelled;
    await eventually(
      'the caller has hung up',
      async () => (await scene.gateway.metric('holdpoint_waiting_callers')) === 0,
    );
    await scene.gateway.approve(id);
    expect(await stateOf(id)).toBe('approved none');
    expect(executed(amount)).toHaveLength(0);
  }
  await client.callTool(refund(906));
  expect(executed(906)).toHaveLength(1);
  await client.close();
});

test('a call that was held at kill -9 is executed once, for the client that comes back for it', async () => {
  const before = await connect();
  const lost = before.callTool(refund(950)).catch((error: unknown) => error);
  const id = await pending();
  await scene.killAndStart();
  await before.close();
  expect(await lost).toBeInstanceOf(Error);
  const after = await connect();
  const result = after.callTool(refund(950));
  await eventually('it was executed', async () => {
    // Twice, if a worker had not heard of the hold before it was killed.
    if ((await scene.gateway.pending()).some(({ hold_id }) => hold_id === id)) await scene.gateway.approve(id);
    return executed(950).length > 0;
  });
  expect((await result).structuredContent).toEqual({ refunded: 950 });
  expect(executed(950)).toHaveLength(1);
  await after.close();
});
