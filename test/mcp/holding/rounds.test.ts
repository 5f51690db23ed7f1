import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { approve, OTHER_TOKEN, startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';
import { executeTool, META, modern, REGO } from './messages.ts';

let upstream: Upstream;
let plane: DataPlane;

beforeAll(async () => {
  upstream = await startUpstream(executeTool);
  plane = await startDataPlane({
    systems: { ledger: { upstream: upstream.url, mcp: '/mcp', wait: '1s' } },
    rego: { 'ledger.rego': REGO },
  });
});
afterAll(async () => {
  await plane.close();
  await upstream.close();
});

async function post(
  sent: ReturnType<typeof modern>,
  token = TOKEN,
): Promise<{ result: Record<string, unknown>; error?: { code: number } }> {
  const answer = await fetch(`${plane.url}${sent.path}`, {
    method: 'POST',
    headers: { ...sent.headers, authorization: `Bearer ${token}` },
    body: sent.body,
  });
  const text = await answer.text();
  const data = text.split('\n').find((line) => line.startsWith('data: '));
  return JSON.parse(data?.slice(6) ?? text) as Awaited<ReturnType<typeof post>>;
}

const refund = (amount: number, rest: object = {}) =>
  modern('tools/call', { name: 'refund', arguments: { amount }, ...rest }, META);
const executed = (amount: number) => upstream.received.filter(({ body }) => body.includes(`"amount":${amount}`));

async function pending(): Promise<string> {
  let id: string | undefined;
  await expect
    .poll(async () => {
      const { items } = await plane.store.holds.list({ status: 'pending', limit: 1 });
      ({ id } = items[0] ?? {});
      return id;
    })
    .toBeDefined();
  return id!;
}

test(
  'the official client waits over several rounds, and gets the result of the one call',
  { timeout: 30_000 },
  async () => {
    const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
    const requestInit = { headers: { authorization: `Bearer ${TOKEN}` } };
    await client.connect(new StreamableHTTPClientTransport(new URL(`${plane.url}/ledger/mcp`), { requestInit }));
    const result = client.callTool({ name: 'refund', arguments: { amount: 900 } });
    const id = await pending();
    // Until it has asked for the third time.
    const attached = async () =>
      (await plane.store.outbox.read(0, 1000)).filter(({ event }) => event.type === 'hold.attached');
    await expect.poll(async () => (await attached()).length, { timeout: 20_000 }).toBeGreaterThan(1);
    await approve(plane.store, id);
    expect(await result).toMatchObject({ content: [{ text: 'tools/call refund {"amount":900}' }] });
    expect(executed(900)).toHaveLength(1);
    expect(executed(900)[0]!.body.toString()).not.toContain('requestState');
    await client.close();
  },
);

test(
  'the rounds end before the client stops asking, with a result that the model reads',
  { timeout: 60_000 },
  async () => {
    let rest = {};
    for (let round = 0; round < 9; round++) {
      const { result } = await post(refund(901, rest));
      expect(result).toEqual({ resultType: 'input_required', requestState: expect.stringContaining('holdpoint/') });
      rest = { requestState: result['requestState'] };
    }
    expect((await post(refund(901, rest))).result).toMatchObject({
      resultType: 'complete',
      isError: true,
      _meta: { 'holdpoint/decision': { code: 'approval-pending' } },
    });
  },
);

test('a state of another call, of another agent, or that was changed is refused', async () => {
  const { result } = await post(refund(902));
  const requestState = String(result['requestState']);
  const code = async (sent: ReturnType<typeof modern>, token?: string) => (await post(sent, token)).error?.code;
  expect(await code(refund(903, { requestState }))).toBe(-32602);
  expect(await code(refund(902, { requestState }), OTHER_TOKEN)).toBe(-32602);
  expect(await code(refund(902, { requestState: requestState.replace('/1/', '/0/') }))).toBe(-32602);
  expect(await code(refund(902, { requestState: 'holdpoint/' }))).toBe(-32602);
});

test('a state of the system passes', async () => {
  await post(refund(50, { requestState: 'of the system' }));
  expect(executed(50)[0]!.body.toString()).toContain('"requestState":"of the system"');
});
