import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { approve, BEN, startDataPlane, TOKEN, type DataPlane } from '../helpers/data-plane.ts';
import { CLIENTS, type McpClient, type ToolResult } from './clients.ts';
import { ledgerRules } from './ledger.ts';
import { startDualEraServer } from './ledger-server.ts';
import { startLegacyServer, type TestServer } from './legacy-server.ts';

const REGO = (system: string) => `${ledgerRules(system)}
hold contains {"rule": "broken", "quorum": "many"} if input.action.arguments.note == "the policy fails"
`;

const SERVERS = [
  { system: 'ledger', speaks: 'of 2025-11-25' },
  { system: 'shop', speaks: 'of 2026-07-28 and before' },
];

let servers: Record<string, TestServer>;
let plane: DataPlane;
const now = { skew: 0 };
/** Every call is another one, unless a test says that it is the same. */
let amount = 1000;

beforeAll(async () => {
  servers = { ledger: await startLegacyServer(), shop: await startDualEraServer() };
  plane = await startDataPlane({
    systems: Object.fromEntries(
      Object.entries(servers).map(([name, { url }]) => [name, { upstream: url, mcp: '/mcp', wait: '1500ms' }]),
    ),
    rego: { 'ledger.rego': REGO('ledger'), 'shop.rego': REGO('shop') },
    clock: () => Date.now() + now.skew,
  });
});

afterAll(async () => {
  await plane?.close();
  for (const server of Object.values(servers)) await server.close();
});

/** The id of the newest call that waits for people. */
async function pendingHold(): Promise<string> {
  const pending = async () => (await plane.store.holds.list({ status: 'pending', limit: 1 })).items[0];
  await expect.poll(pending).toBeDefined();
  return (await pending())!.id;
}

function decisionOf({ meta }: ToolResult): Record<string, unknown> {
  return (meta?.['holdpoint/decision'] ?? {}) as Record<string, unknown>;
}

describe.each(CLIENTS)('$name', { timeout: 300_000 }, ({ connect, revision }) => {
  describe.each(SERVERS)('with a server $speaks', ({ system }) => {
    let client: McpClient;
    const refunds = (of: number) => servers[system]!.executed.filter((call) => call.includes(`"amount":${of}`)).length;

    beforeAll(async () => {
      client = await connect(`${plane.url}/${system}/mcp`, TOKEN);
      // Clients check the results of the tools that they have listed.
      expect(await client.tools()).toContain('refund');
      expect(await client.tools()).not.toContain('drop_tables');
    }, 300_000);
    afterEach(async () => {
      const { structured } = await client.call('refund', { amount: 1 });
      expect(structured, 'the session lives on').toEqual({ refunded: 1 });
    });
    afterAll(async () => {
      await client?.close();
    });

    test('the revision of the client is that of its direct connection', async () => {
      await client.call('refund', { amount: 2 });
      const { headers } = servers[system]!.requests.findLast(({ method }) => method === 'POST')!;
      expect(headers['mcp-protocol-version']).toBe(system === 'shop' ? revision : '2025-11-25');
    });

    test('an allowed tool gives its own result', async () => {
      const result = await client.call('refund', { amount: 50 });
      expect(result).toMatchObject({ isError: false, text: 'refunded 50', structured: { refunded: 50 } });
    });

    test('the model reads why policy blocked a tool', async () => {
      const result = await client.call('drop_tables', {});
      expect(result).toMatchObject({ isError: true, text: expect.stringContaining('Nothing is dropped here.') });
      expect(decisionOf(result)).toMatchObject({ verdict: 'block', code: 'blocked' });
      expect(servers[system]!.executed).not.toContain('drop_tables');
    });

    test('a tool that is approved while the client waits gives its own result', async () => {
      const held = ++amount;
      const waiting = client.call('refund', { amount: held });
      await approve(plane.store, await pendingHold());
      expect(await waiting).toMatchObject({ isError: false, structured: { refunded: held } });
      expect(refunds(held)).toBe(1);
    });

    test('the model reads that a call is pending, and the same call gives the result once it is approved', async () => {
      const held = ++amount;
      const result = await client.call('refund', { amount: held });
      expect(result).toMatchObject({ isError: true, text: expect.stringContaining('waiting for approval') });
      expect(decisionOf(result)).toMatchObject({ verdict: 'hold', code: 'approval-pending' });
      expect(refunds(held)).toBe(0);
      await approve(plane.store, String(decisionOf(result)['hold_id']));
      expect(await client.call('refund', { amount: held })).toMatchObject({ isError: false, text: `refunded ${held}` });
      expect(refunds(held)).toBe(1);
    });

    test('the model reads the code and note of the reviewer who rejects its call', async () => {
      const held = ++amount;
      const waiting = client.call('refund', { amount: held });
      const id = await pendingHold();
      const note = 'At most 500 in one refund.';
      const by = { by: BEN, channel: 'api', revision: 1 } as const;
      await plane.store.holds.apply(id, { type: 'reject', ...by, code: 'wrong-amount', note });
      const result = await waiting;
      expect(result).toMatchObject({ isError: true, text: expect.stringContaining(note) });
      expect(result.text).toContain('wrong-amount');
      expect(decisionOf(result)).toMatchObject({ code: 'rejected', hold_id: id, note });
      expect(refunds(held)).toBe(0);
    });

    test('the model reads that no person decided in time', async () => {
      const held = ++amount;
      const waiting = client.call('refund', { amount: held });
      const id = await pendingHold();
      now.skew += 2 * 24 * 60 * 60_000;
      await plane.store.holds.apply(id, { type: 'expire' });
      const result = await waiting;
      expect(result.isError).toBe(true);
      expect(decisionOf(result)).toMatchObject({ code: 'expired', hold_id: id });
      expect(refunds(held)).toBe(0);
    });

    test('the model reads that its agent is suspended', async () => {
      const by = { by: 'dora@example.com', channel: 'api' } as const;
      await plane.store.suspensions.suspend({ kind: 'agent', name: 'billing-bot', ...by, reason: 'it went mad' });
      await plane.store.suspensions.refresh();
      const result = await client.call('refund', { amount: 50 });
      await plane.store.suspensions.resume('agent', 'billing-bot', by.by, by.channel);
      await plane.store.suspensions.refresh();
      expect(result).toMatchObject({ isError: true, text: expect.stringContaining('suspended') });
      expect(decisionOf(result)).toMatchObject({ code: 'suspended' });
    });

    test('a call on which policy fails is refused with an error that the client raises, and is not executed', async () => {
      const before = servers[system]!.executed.length;
      const failing = client.call('refund', { amount: 50, note: 'the policy fails' });
      await expect(failing).rejects.toThrow(/policy/i);
      expect(servers[system]!.executed).toHaveLength(before);
    });
  });
});
