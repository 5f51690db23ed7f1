import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashToken } from '../../../gateway/identify/token.ts';
import { eventually, REVIEWER_TOKEN, TOKEN, type RunningGateway } from '../../helpers/gateway.ts';
import { createSharedStore, SECOND_TOKEN, type SharedStore } from '../../helpers/shared-store.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';
import { CLIENTS, type McpClient, type ToolResult } from '../clients.ts';
import { executeTool } from './messages.ts';

const LEAD_TOKEN = 'hp_lead-of-the-tests';

const REGO = `package rules.ledger

allow contains {"rule": "all"}

for_tool(tool) if input.action.tool == tool

hold contains {"rule": "two", "reviewers": ["finance"], "quorum": 2} if for_tool("transfer")

hold contains {"rule": "one", "reviewers": ["finance"], "open": ["/note"], "reversible": true} if for_tool("refund")

hold contains {"rule": "soon", "reviewers": ["finance"], "expires_in": "3s"} if for_tool("hurry")

hold contains {
	"rule": "leads", "reviewers": ["finance"],
	"escalate": [{"after": "1s", "to": ["leads"]}],
} if for_tool("escalate")
`;

let upstream: Upstream;
let shared: SharedStore;
let one: RunningGateway;
let two: RunningGateway;
let three: RunningGateway;
const unanswered: (() => void)[] = [];

beforeAll(async () => {
  upstream = await startUpstream((received, response) => {
    if (received.body.includes('never answered')) unanswered.push(() => response.destroy());
    else executeTool(received, response);
  });
  const person = (id: string, token: string, groups: readonly string[]) => ({
    id,
    token_sha256: hashToken(token),
    groups,
    roles: ['reviewer', 'operator'],
  });
  shared = await createSharedStore(3, upstream.url, REGO, {
    systems: { ledger: { upstream: upstream.url, mcp: '/mcp', wait: '5s' } },
    agents: [{ id: 'refund-bot', owner: 'ana@example.com', token_sha256: hashToken(TOKEN), systems: ['ledger'] }],
    reviewers: [
      person('ben@example.com', REVIEWER_TOKEN, ['finance']),
      person('eve@example.com', SECOND_TOKEN, ['finance']),
      person('lea@example.com', LEAD_TOKEN, ['leads']),
    ],
  });
  one = await shared.places[0]!.start();
  two = await shared.places[1]!.start();
  three = await shared.places[2]!.start();
}, 120_000);
afterAll(async () => {
  for (const destroy of unanswered) destroy();
  await shared?.remove();
  await upstream?.close();
}, 60_000);

const [, , negotiating] = CLIENTS;

/** A client of revision 2026-07-28 at a gateway: it asks again for ten rounds. */
async function at<T>(gateway: RunningGateway, work: (client: McpClient) => Promise<T>): Promise<T> {
  const client = await negotiating!.connect(`${gateway.url}/ledger/mcp`, TOKEN);
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

const call = (gateway: RunningGateway, tool: string, args: Readonly<Record<string, unknown>>) =>
  at(gateway, (client) => client.call(tool, args));
const codeOf = ({ meta }: ToolResult) =>
  (meta?.['holdpoint/decision'] as { readonly code?: string } | undefined)?.code ?? null;
const executed = (note: string) => upstream.received.filter(({ body }) => body.includes(`"note":"${note}"`)).length;

/** The one undecided hold. */
async function pending(gateway: RunningGateway): Promise<string> {
  let ids: string[] = [];
  await eventually('the call is held', async () => {
    ids = (await gateway.pending()).map(({ hold_id }) => hold_id);
    return ids.length > 0;
  });
  expect(ids).toHaveLength(1);
  return ids[0]!;
}

async function decide(gateway: RunningGateway, id: string, how: string, body: object, token = REVIEWER_TOKEN) {
  const { headers } = await gateway.admin({ path: `/api/holds/${id}` });
  const answer = await gateway.admin({
    method: 'POST',
    path: `/api/holds/${id}/${how}`,
    headers: { 'if-match': headers.etag!, authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
  expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
}

test('a call held at one gateway needs two people, at two others, and its result goes to a retry at the third, over a restart', async () => {
  const waiting = call(one, 'transfer', { note: 'quorum' }).catch((error: unknown) => error);
  const id = await pending(two);
  await decide(two, id, 'approve', {});
  expect((await two.pending()).map(({ hold_id }) => hold_id)).toEqual([id]);
  await one.killTree();
  expect(await waiting).toBeInstanceOf(Error);
  one = await shared.places[0]!.start();
  const retry = call(three, 'transfer', { note: 'quorum' });
  await decide(one, id, 'approve', {}, SECOND_TOKEN);
  // If the killed gateway had not heard of the hold, people are asked once more.
  await eventually('it is executed', async () => {
    for (const { hold_id } of await two.pending()) {
      await two.approve(hold_id);
      await two.approve(hold_id, SECOND_TOKEN);
    }
    return executed('quorum') > 0;
  });
  expect(await retry).toMatchObject({ isError: false, text: 'tools/call transfer {"note":"quorum"}' });
  expect(executed('quorum')).toBe(1);
}, 120_000);

test('a call that expires while its client waits says so, and never as a rejection', async () => {
  const result = await call(one, 'hurry', { note: 'expires' });
  expect([result.isError, codeOf(result)]).toEqual([true, 'expired']);
  expect(result.text).toContain('nobody decided in time');
  const again = call(two, 'hurry', { note: 'expires' });
  await decide(three, await pending(three), 'reject', { code: 'not-now', note: 'next week' });
  expect(codeOf(await again)).toBe('rejected');
  expect(executed('expires')).toBe(0);
}, 60_000);

test('the kill switch at one gateway ends a call that is held at another', async () => {
  const waiting = call(one, 'refund', { note: 'stopped' });
  await pending(two);
  expect((await two.admin({ method: 'POST', path: '/api/agents/refund-bot/suspend' })).status).toBe(200);
  expect(['superseded', 'suspended']).toContain(codeOf(await waiting));
  expect((await two.admin({ method: 'POST', path: '/api/agents/refund-bot/resume' })).status).toBe(200);
  await eventually('the agent may call again', async () => !(await call(one, 'read', {})).isError);
  // Another call: the same one could be told at once how the first has ended.
  const system = call(one, 'refund', { note: 'stopped too' });
  await pending(three);
  expect((await three.admin({ method: 'POST', path: '/api/systems/ledger/suspend' })).status).toBe(200);
  expect(['superseded', 'suspended']).toContain(codeOf(await system));
  expect((await three.admin({ method: 'POST', path: '/api/systems/ledger/resume' })).status).toBe(200);
  await eventually('the agent may call again', async () => !(await call(one, 'read', {})).isError);
  expect([executed('stopped'), executed('stopped too')]).toEqual([0, 0]);
}, 60_000);

test('a stop at one gateway stops every gateway, and a call held before it goes on after it', async () => {
  const waiting = call(one, 'refund', { note: 'before the stop' });
  const id = await pending(two);
  expect((await two.admin({ method: 'POST', path: '/api/stop' })).status).toBe(200);
  for (const gateway of [one, two, three]) {
    // Not even a handshake passes, so that the client throws before it calls the tool.
    const refused = async () => String(await call(gateway, 'read', {}).catch((error: unknown) => error));
    await eventually('the gateway is stopped', async () => (await refused()).includes('An operator stopped the calls'));
  }
  const early = await three.approve(id);
  expect([early.status, early.text]).toEqual([403, expect.stringContaining('Everything is stopped')]);
  expect((await three.admin({ method: 'DELETE', path: '/api/stop' })).status).toBe(200);
  await decide(three, id, 'approve', {});
  expect((await waiting).isError).toBe(false);
  expect(executed('before the stop')).toBe(1);
  for (const gateway of [one, two, three]) {
    await eventually('the agent may call again', async () => !(await call(gateway, 'read', {})).isError);
  }
}, 60_000);

test('an approval for a while covers the next call of its shape at another gateway, and no wider one', async () => {
  const first = call(one, 'refund', { amount: 10, note: 'granted' });
  await decide(two, await pending(two), 'approve', { grant: { uses: 3, for: '1h', open: ['/note'] } });
  expect((await first).isError).toBe(false);
  const covered = await call(three, 'refund', { amount: 10, note: 'covered' });
  expect([covered.isError, executed('covered')]).toEqual([false, 1]);
  for (const wider of [{ amount: 11 }, { amount: 10, more: 1 }, { amount: '10' }]) {
    const waiting = call(three, 'refund', { ...wider, note: 'wider' });
    await decide(one, await pending(one), 'reject', { code: 'other', note: 'no' });
    expect(codeOf(await waiting)).toBe('rejected');
  }
  expect(executed('wider')).toBe(0);
}, 60_000);

test('a group that an escalation brings in decides, and the client gets the result', async () => {
  const waiting = call(one, 'escalate', { note: 'escalated' });
  const id = await pending(two);
  await eventually('leads are asked', async () => {
    const { text } = await two.admin({ path: `/api/holds/${id}` });
    return text.includes('"leads"');
  });
  await eventually('a lead may approve', async () => (await two.approve(id, LEAD_TOKEN)).status === 200);
  expect((await waiting).isError).toBe(false);
  expect(executed('escalated')).toBe(1);
}, 60_000);

test('a person takes a call over at one gateway, and a retry at another reads the outcome', async () => {
  const waiting = call(one, 'refund', { note: 'taken over' });
  const id = await pending(two);
  await decide(two, id, 'take-over', { note: 'I call the bank' });
  const told = await waiting;
  expect([codeOf(told), told.text]).toEqual(['taken-over', expect.stringContaining('I call the bank')]);
  await decide(two, id, 'outcome', { result: 'executed', reference: 'tx-9' });
  expect((await call(three, 'refund', { note: 'taken over' })).text).toContain('tx-9');
  expect(executed('taken over')).toBe(0);
}, 60_000);

test('after kill -9 while a call is sent, another gateway tells that its outcome is unknown, and then what a person found out', async () => {
  const lost = call(one, 'refund', { note: 'never answered' }).catch((error: unknown) => error);
  const id = await pending(two);
  await decide(two, id, 'approve', {});
  await eventually('it was sent', () => unanswered.length === 1);
  await one.killTree();
  expect(await lost).toBeInstanceOf(Error);
  const execution = async () => (await two.admin({ path: `/api/holds/${id}` })).json<{ execution: string }>().execution;
  await expect.poll(execution, { timeout: 60_000 }).toBe('indeterminate');
  expect(codeOf(await call(two, 'refund', { note: 'never answered' }))).toBe('outcome-unknown');
  await decide(three, id, 'outcome', { result: 'executed', reference: 'tx-10' });
  const told = await call(three, 'refund', { note: 'never answered' });
  expect([codeOf(told), told.text]).toEqual(['already-executed', expect.stringContaining('tx-10')]);
  expect(executed('never answered')).toBe(1);
  one = await shared.places[0]!.start();
}, 120_000);
