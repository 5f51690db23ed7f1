import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { choosePorts } from '../../../gateway/demo/demo-ports.ts';
import { createStockBot } from '../../../gateway/demo/stock-bot.ts';
import { startWarehouseServer, type WarehouseServer } from '../../../gateway/demo/warehouse-server.ts';

let server: WarehouseServer;
let url: URL;

beforeAll(async () => {
  const { warehouse } = await choosePorts({ agents: 0, payments: 0, admin: 0, api: 0, warehouse: 0 });
  server = await startWarehouseServer({ port: warehouse, key: 'the-key' });
  url = new URL(`http://127.0.0.1:${warehouse}/mcp`);
});
afterAll(() => server.close());

it('the warehouse serves its tools to both official clients of TypeScript', async () => {
  const bot = await createStockBot(url, 'the-key');
  expect(await bot.tools()).toEqual(['read_stock', 'order', 'write_off']);
  expect(await bot.call('order', { item: 'nuts', quantity: 2 })).toMatchObject({ isError: false });
  expect(await bot.call('burn', {})).toMatchObject({ isError: true });
  expect(server.executed()).toEqual(['order {"item":"nuts","quantity":2}']);
  await bot.close();

  const older = new Client({ name: 'test', version: '1.0.0' });
  const requestInit = { headers: { authorization: 'Bearer the-key' } };
  await older.connect(new StreamableHTTPClientTransport(url, { requestInit }));
  expect((await older.listTools()).tools).toHaveLength(3);
  await older.close();
});

it('the warehouse refuses callers without its key', async () => {
  const answer = await fetch(url, { method: 'POST', headers: { authorization: 'Bearer another' }, body: '{}' });
  expect(answer.status).toBe(401);
});
