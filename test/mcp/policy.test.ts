import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Event } from '../../gateway/domain/event.ts';
import { startDataPlane, type DataPlane } from '../helpers/data-plane.ts';
import { ANSWERS, connectClient } from './ledger.ts';
import { startLegacyServer, type TestServer } from './legacy-server.ts';

const REGO = `package rules.ledger

allow contains {"rule": "small"} if input.action.arguments.amount <= 100

hold contains {"rule": "large"} if input.action.arguments.amount > 100

block contains {"rule": "no-drops"} if input.action.tool == "drop_tables"

drift contains {"rule": "other-amount", "reason": "Another amount was refunded."} if {
	input.answer.body.result.structuredContent.refunded == 66
}
`;

const MASK = `package system.log

mask contains "/input/action/arguments/note" if input.input.action.arguments.amount == 7
`;

describe.each(ANSWERS)('with a server that answers with $answers', ({ json }) => {
  let server: TestServer;
  let plane: DataPlane;
  let client: Client;

  beforeAll(async () => {
    server = await startLegacyServer({ json });
    plane = await startDataPlane({
      systems: { ledger: { upstream: server.url, mcp: '/mcp', wait: '500ms' } },
      rego: { 'ledger.rego': REGO, 'mask.rego': MASK },
    });
    client = await connectClient(`${plane.url}/ledger/mcp`);
  });
  afterAll(async () => {
    await client?.close();
    await plane?.close();
    await server?.close();
  });

  async function refund(amount: number, note?: string): Promise<unknown> {
    const { isError = false } = await client.callTool({ name: 'refund', arguments: { amount, note } });
    return isError;
  }

  /** The events of the call with this amount, of one type. */
  async function eventsOf(amount: number, type: string): Promise<Event[]> {
    const events = await plane.events();
    const call = events.find(({ input }) => String(input).includes(`"amount":${amount}`))?.call_id;
    return events.filter((event) => event.call_id === call && event.type === type);
  }

  test('a call that differs in one argument that a rule reads gets a verdict of its own', async () => {
    expect([await refund(50), await refund(500), await refund(50)]).toEqual([false, true, false]);
  });

  test('secrets in arguments, and what the mask of the policy names, are not on record', async () => {
    await refund(7, 'about Ana');
    await refund(8, 'Bearer sk_live_4eC39HqLyjWDarjtT1zdp7dc');
    const [masked] = await eventsOf(7, 'call.decided');
    expect(masked?.input).not.toContain('about Ana');
    expect(masked?.masked).toEqual(['/action/arguments/note']);
    const [secret] = await eventsOf(8, 'call.decided');
    expect(secret).toMatchObject({ operation: 'refund', resource: 'tool/refund' });
    expect(secret?.input).not.toContain('4eC39');
  });

  test('a drift rule compares the result of a tool with what was judged', async () => {
    await refund(66);
    await expect.poll(() => eventsOf(66, 'call.drifted')).toMatchObject([{ rules: ['rules.ledger/other-amount'] }]);
  });
});
