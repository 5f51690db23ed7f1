import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { approve, startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { CLIENTS } from '../clients.ts';
import { startDualEraServer } from '../ledger-server.ts';
import { startLegacyServer, type TestServer } from '../legacy-server.ts';

const rules = (system: string) => `package rules.${system}

hold contains {"rule": "export", "reviewers": ["finance"]} if input.action.tool == "export"
`;

/** More than one event of a stream may have for PyPI mcp 2.3, and less than what is kept. */
const BYTES = 3 * 2 ** 20;

let servers: Record<string, TestServer>;
let plane: DataPlane;

beforeAll(async () => {
  servers = { ledger: await startLegacyServer(), shop: await startDualEraServer() };
  plane = await startDataPlane({
    systems: Object.fromEntries(
      Object.entries(servers).map(([name, { url }]) => [name, { upstream: url, mcp: '/mcp', wait: '20s' }]),
    ),
    rego: { 'ledger.rego': rules('ledger'), 'shop.rego': rules('shop') },
  });
});
afterAll(async () => {
  await plane?.close();
  for (const server of Object.values(servers)) await server.close();
});

async function approveNext(): Promise<void> {
  const pending = async () => (await plane.store.holds.list({ status: 'pending', limit: 1 })).items[0];
  await expect.poll(pending, { timeout: 20_000 }).toBeDefined();
  await approve(plane.store, (await pending())!.id);
}

const kinds = CLIENTS.filter(({ name }) => name.startsWith('PyPI mcp') || name.includes('negotiating'));

describe.each(kinds)('a held result of 3 MiB for $name', ({ connect, revision }) => {
  test.for(['ledger', 'shop'])('at the system %s', { timeout: 300_000 }, async (system) => {
    const { executed } = servers[system]!;
    const before = executed.length;
    const client = await connect(`${plane.url}/${system}/mcp`, TOKEN);
    const first = client.call('export', { bytes: BYTES });
    await approveNext();
    const told = await first;
    // A client of 2026-07-28 makes the call again by itself.
    const isModern = system === 'shop' && revision === '2026-07-28';
    expect([told.isError, told.text.length > BYTES / 2]).toEqual([!isModern, isModern]);
    const result = isModern ? told : await client.call('export', { bytes: BYTES });
    expect([result.isError, result.text.length]).toEqual([false, BYTES]);
    expect(executed.slice(before)).toEqual([`export ${BYTES}`]);
    await client.close();
  });
});
