import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, REVIEWER_TOKEN, runMain } from '../../helpers/gateway.ts';
import { executeTool, META, modern, WITH_TASKS } from './messages.ts';
import { openScene, SECOND_REVIEWER, type Scene } from './scene.ts';

const TOOLS = [
  {
    name: 'refund',
    description: 'Refunds an amount.',
    inputSchema: {
      type: 'object',
      properties: {
        amount: { type: 'integer', 'x-mcp-header': 'Amount' },
        customer: { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } },
        note: { type: 'string' },
      },
    },
  },
];

let scene: Scene;

beforeAll(async () => {
  scene = await openScene((received, response) => {
    const { id, method } = JSON.parse(received.body.toString()) as { readonly id: number; readonly method: string };
    if (method !== 'tools/list') return executeTool(received, response);
    const result = { resultType: 'complete', tools: TOOLS, ttlMs: 0, cacheScope: 'private' };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result }));
  });
  await scene.gateway.call(modern('tools/list', {}, META));
  // The other worker reads it from the store.
  const isKnown = async () => (await call({ amount: 5, note: 'known' }, { 'mcp-param-amount': '50' })).status === 400;
  await eventually('both workers know the list', async () =>
    (await Promise.all(Array.from({ length: 8 }, isKnown))).every(Boolean),
  );
});
afterAll(() => scene?.close());

async function call(args: object, headers: Readonly<Record<string, string>>, meta?: object) {
  const sent = modern('tools/call', { name: 'refund', arguments: args }, meta ?? META, 'q');
  return scene.gateway.call({ ...sent, headers: { ...sent.headers, ...headers } });
}

test.for([
  ['another number', { amount: 5, note: 'a' }, { 'mcp-param-amount': '50' }],
  ['another text', { amount: 5, customer: { region: 'eu' }, note: 'b' }, { 'mcp-param-region': 'us' }],
  ['an argument that is not there', { amount: 5, note: 'c' }, { 'mcp-param-region': 'eu' }],
  ['another text in base64', { customer: { region: 'eu' }, note: 'd' }, { 'mcp-param-region': '=?base64?dXM=?=' }],
] as const)('a header that says %s than its argument is refused before policy', async ([, args, headers]) => {
  const answer = await call(args, headers);
  expect(answer.status).toBe(400);
  expect(answer.json()).toMatchObject({ id: 'q', error: { code: -32020 } });
  expect(scene.sentWith(`"note":"${args.note}"`)).toHaveLength(0);
});

test.for([
  ['the same', { amount: 5, customer: { region: 'eu' } }, { 'mcp-param-amount': '5', 'mcp-param-region': 'eu' }],
  ['the same number in another way', { amount: 5 }, { 'mcp-param-amount': '5.0' }],
  ['the same in base64', { customer: { region: 'zürich' } }, { 'mcp-param-region': '=?base64?esO8cmljaA==?=' }],
  ['something that no argument declares', { amount: 5 }, { 'mcp-param-amount': '5', 'mcp-param-trace': 'x' }],
  ['nothing, for the server to judge', { amount: 5 }, {}],
] as const)('a call whose headers repeat %s passes with them', async ([what, args, headers]) => {
  const answer = await call({ ...args, note: what }, headers);
  expect(answer.json()).toMatchObject({ result: { content: [{ text: expect.stringContaining(what) }] } });
  expect(scene.sentWith(`"note":"${what}"`).at(-1)!.headers).toMatchObject(headers);
});

test('an edit changes the header that repeats the argument, and leaves the others', async () => {
  const headers = { 'mcp-param-amount': '900', 'mcp-param-region': 'eu' };
  const created = await call({ amount: 900, customer: { region: 'eu' }, note: 'edited' }, headers, WITH_TASKS);
  const { taskId } = created.json<{ result: { taskId: string } }>().result;
  const edited = await scene.gateway.admin({
    method: 'POST',
    path: `/api/holds/${taskId}/approve`,
    headers: { 'if-match': '"1"' },
    body: JSON.stringify({ edit: { amount: 450 } }),
  });
  expect(edited.status).toBe(200);
  await scene.gateway.approve(taskId, SECOND_REVIEWER);
  await eventually('the call was sent', () => scene.sentWith('edited').length === 1);
  const [sent] = scene.sentWith('edited');
  expect(sent!.headers).toMatchObject({ 'mcp-param-amount': '450', 'mcp-param-region': 'eu' });
  expect(sent!.body.toString()).toContain('"amount":450');
});

test('a reviewer reads what the server says of the tool, also in the terminal', async () => {
  const created = await call({ amount: 901 }, {}, WITH_TASKS);
  const { taskId } = created.json<{ result: { taskId: string } }>().result;
  const shown = await scene.gateway.admin({ path: `/api/holds/${taskId}` });
  expect(shown.json()).toMatchObject({
    action: { tool_definition: { description: 'Refunds an amount.', input_schema: TOOLS[0]!.inputSchema } },
  });
  const token = join(scene.place.path, 'reviewer.token');
  writeFileSync(token, REVIEWER_TOKEN);
  const where = ['--url', scene.gateway.adminUrl, '--token-file', token];
  const { stdout } = await runMain('holds', 'show', taskId, ...where);
  expect(stdout).toContain('Its server says of it:');
  expect(stdout).toContain('Refunds an amount.');
});
