import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDataPlane, approve, type DataPlane } from '../helpers/data-plane.ts';
import { ANSWERS, connectClient, ledgerRules } from './ledger.ts';
import { startLegacyServer, type TestServer } from './legacy-server.ts';

describe.each(ANSWERS)('with a server that answers with $answers', ({ json }) => {
  let server: TestServer;
  let plane: DataPlane;
  let client: Client;

  beforeAll(async () => {
    server = await startLegacyServer({ json });
    plane = await startDataPlane({
      systems: { ledger: { upstream: server.url, mcp: '/mcp', wait: '2s' } },
      rego: { 'ledger.rego': ledgerRules('ledger') },
    });
    client = await connectClient(`${plane.url}/ledger/mcp`);
  });
  afterAll(async () => {
    await client.close();
    await plane.close();
    await server.close();
  });

  test('an allowed tool is executed', async () => {
    const result = await client.callTool({ name: 'refund', arguments: { amount: 50 } });
    expect(result.structuredContent).toEqual({ refunded: 50 });
  });

  test('a blocked tool is not executed, and the model reads why', async () => {
    const result = await client.callTool({ name: 'drop_tables' });
    expect(result).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining('Nothing is dropped here.') }],
      _meta: { 'holdpoint/decision': { verdict: 'block', code: 'blocked', rule: 'rules.ledger/no-drops' } },
    });
    expect(server.executed).not.toContain('drop_tables');
  });

  test('a held tool that nobody decides on is pending, and the same call goes on waiting', async () => {
    const result = await client.callTool({ name: 'refund', arguments: { amount: 900 } });
    expect(result).toMatchObject({ isError: true, _meta: { 'holdpoint/decision': { code: 'approval-pending' } } });
    const { hold_id: id } = (result._meta as Record<string, { hold_id: string }>)['holdpoint/decision']!;
    const again = client.callTool({ name: 'refund', arguments: { amount: 900 } });
    await approve(plane.store, id);
    expect((await again).structuredContent).toEqual({ refunded: 900 });
    expect(server.executed.filter((call) => call.includes('900'))).toHaveLength(1);
  });
});
