import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDataPlane, TOKEN, approve, type DataPlane } from '../helpers/data-plane.ts';
import { startLegacyServer, type TestServer } from './legacy-server.ts';

const REGO = `package rules.ledger

allow contains {"rule": "small"} if {
	input.action.tool == "refund"
	input.action.arguments.amount <= 100
}

hold contains {"rule": "large", "reason": "Refunds over 100 need a person."} if {
	input.action.tool == "refund"
	input.action.arguments.amount > 100
}

block contains {"rule": "no-drops", "reason": "Nothing is dropped here."} if input.action.tool == "drop_tables"
`;

describe.each([
  { answers: 'a stream', json: false },
  { answers: 'JSON', json: true },
])('with a server that answers with $answers', ({ json }) => {
  let server: TestServer;
  let plane: DataPlane;
  let client: Client;

  beforeAll(async () => {
    server = await startLegacyServer({ json });
    plane = await startDataPlane({
      systems: { ledger: { upstream: server.url, mcp: '/mcp', wait: '2s' } },
      rego: { 'ledger.rego': REGO },
    });
    client = new Client({ name: 'test', version: '1.0.0' });
    await client.connect(
      new StreamableHTTPClientTransport(new URL(`${plane.url}/ledger/mcp`), {
        requestInit: { headers: { authorization: `Bearer ${TOKEN}` } },
      }),
    );
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
