import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { approve, startDataPlane, type DataPlane } from '../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';
import { modern, post, request } from './speak.ts';

const REGO = `package rules.library

allow contains {"rule": "all"} if not input.action.tool

hold contains {"rule": "private", "reason": "A person looks at it."} if contains(input.resource.id, "private")

hold contains {"rule": "other", "reason": "A person looks at it."} if {
	input.action.mcp.method in {"completion/complete", "vendor/transfer"}
}

block contains {"rule": "secret", "reason": "Nobody reads this."} if contains(input.resource.id, "secret")

block contains {"rule": "methods", "reason": "Not with this method."} if {
	input.action.mcp.method in {"resources/unsubscribe", "notifications/roots/list_changed", "logging/setLevel"}
}
`;

/** A server that answers each request with its parameters. */
let server: Upstream;
let plane: DataPlane;
let url: string;

beforeAll(async () => {
  server = await startUpstream(({ body }, response) => {
    const { id, params } = JSON.parse(body.toString()) as { id?: unknown; params?: object };
    if (id === undefined) return void response.writeHead(202).end();
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ jsonrpc: '2.0', id, result: params }));
  });
  plane = await startDataPlane({
    systems: { library: { upstream: server.url, mcp: '/mcp', wait: '500ms' } },
    rego: { 'library.rego': REGO },
  });
  url = `${plane.url}/library/mcp`;
});
beforeEach(() => void server.received.splice(0));
afterAll(async () => {
  await plane.close();
  await server.close();
});

/** The response to a message that may wait: JSON, or the last event of a stream. */
async function responseTo(message: object, headers: Record<string, string> = {}): Promise<Record<string, unknown>> {
  const answer = await post(url, message, { headers });
  expect(answer.status).toBe(200);
  const text = await answer.text();
  return JSON.parse(text.startsWith('{') ? text : text.split('data: ').at(-1)!);
}

const READS = [
  ['resources/read', 'uri'],
  ['resources/subscribe', 'uri'],
  ['prompts/get', 'name'],
] as const;

describe.each(['legacy', 'modern'] as const)('a %s request for something else than a tool', (era) => {
  const ask = (method: string, params: object): Promise<Record<string, unknown>> => {
    if (era === 'legacy') return responseTo(request('r', method, params));
    const [message, headers] = modern('r', method, params);
    const { uri } = params as { uri?: string };
    return responseTo(message, { ...headers, ...(uri !== undefined && { 'mcp-name': uri }) });
  };

  test.each(READS)('that is allowed gets the answer of the server: %s', async (method, member) => {
    const params = { [member]: `a ${era} thing` };
    expect(await ask(method, params)).toMatchObject({ id: 'r', result: params });
    expect(server.received).toHaveLength(1);
  });

  test.each(READS)('that is blocked gets an error that says why: %s', async (method, member) => {
    expect(await ask(method, { [member]: 'a secret' })).toEqual({
      jsonrpc: '2.0',
      id: 'r',
      error: {
        code: 403,
        message: expect.stringContaining('Nobody reads this.'),
        data: { 'holdpoint/decision': expect.objectContaining({ verdict: 'block', rule: 'rules.library/secret' }) },
      },
    });
    expect(server.received).toEqual([]);
  });

  test.each(READS)('that is held is pending, and gets the answer once approved: %s', async (method, member) => {
    const params = { [member]: `a private ${era} thing` };
    const pending = await ask(method, params);
    expect(pending).toMatchObject({ id: 'r', error: { data: { 'holdpoint/decision': { code: 'approval-pending' } } } });
    expect(server.received).toEqual([]);
    await approve(plane.store, holdOf(pending));
    expect(await ask(method, params)).toMatchObject({ id: 'r', result: params });
    expect(server.received).toHaveLength(1);
  });
});

describe('an approval of a request for something else than a tool', () => {
  test.each([
    ['completion/complete', { ref: { type: 'ref/prompt', name: 'a' }, argument: { name: 'x', value: 'y' } }, 'ref'],
    ['vendor/transfer', { amount: 5, to: 'ana' }, 'amount'],
  ])('covers its parameters, and no others: %s', async (method, params, changed) => {
    const pending = await responseTo(request(1, method, params));
    await approve(plane.store, holdOf(pending));
    const other = await responseTo(request(2, method, { ...params, [changed]: { type: 'ref/prompt', name: 'b' } }));
    expect(other).toMatchObject({ id: 2, error: { data: { 'holdpoint/decision': { code: 'approval-pending' } } } });
    expect(holdOf(other)).not.toBe(holdOf(pending));
    expect(server.received).toEqual([]);
    const _meta = { progressToken: 7 };
    expect(await responseTo(request(3, method, { ...params, _meta }))).toMatchObject({ id: 3, result: params });
    expect(server.received).toHaveLength(1);
  });
});

test('a method that no rule allows is refused with an error', async () => {
  const own = await startDataPlane({
    systems: { library: { upstream: server.url, mcp: '/mcp' } },
    rego: { 'library.rego': 'package rules.library\n\nallow contains {"rule": "tools"} if input.action.tool\n' },
  });
  const answer = await post(`${own.url}/library/mcp`, request(0, 'vendor/anything', { name: 'x' }));
  expect([answer.status, await answer.json()]).toMatchObject([200, { id: 0, error: { code: 403 } }]);
  expect(server.received).toEqual([]);
  await own.close();
});

test('a message that keeps the protocol going passes unless a rule blocks it', async () => {
  expect(await responseTo(request(1, 'logging/setLevel', { level: 'info' }))).toMatchObject({ error: { code: 403 } });
  expect(await responseTo(request(2, 'resources/unsubscribe', { uri: 'a' }))).toMatchObject({ error: { code: 403 } });
  expect(server.received).toEqual([]);
  expect(await responseTo(request(3, 'ping'))).toEqual({ jsonrpc: '2.0', id: 3 });
  expect(await responseTo(request(4, 'resources/templates/list', {}))).toMatchObject({ id: 4, result: {} });
});

test('a notification that is blocked is dropped, and looks to the client as if it had arrived', async () => {
  const notify = (method: string) => post(url, { jsonrpc: '2.0', method });
  const blocked = await notify('notifications/roots/list_changed');
  expect([blocked.status, await blocked.text()]).toEqual([202, '']);
  expect(server.received).toEqual([]);
  const allowed = await notify('notifications/initialized');
  expect([allowed.status, await allowed.text()]).toEqual([202, '']);
  expect(server.received).toHaveLength(1);
});

test('a call of a tool without an id is judged as one', async () => {
  const answer = await post(url, { jsonrpc: '2.0', method: 'tools/call', params: { name: 'pay' } });
  expect([answer.status, await answer.text(), server.received]).toEqual([202, '', []]);
});

function holdOf(response: Record<string, unknown>): string {
  const { error } = response as { error: { data: Record<string, { hold_id: string }> } };
  return error.data['holdpoint/decision']!.hold_id;
}
