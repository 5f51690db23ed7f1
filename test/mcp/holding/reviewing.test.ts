import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { REVIEWER_TOKEN, runMain } from '../../helpers/gateway.ts';
import { modern } from './messages.ts';
import { openScene, SECOND_REVIEWER, type Scene } from './scene.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene?.close());

const refund = (args: string, headers: Readonly<Record<string, string>> = {}) => {
  const message = modern('tools/call', { name: 'refund', arguments: '$' });
  return { ...message, headers: { ...message.headers, ...headers }, body: message.body.replace('"$"', () => args) };
};

async function hold(args: string, headers?: Readonly<Record<string, string>>): Promise<string> {
  const answer = await scene.gateway.call(refund(args, headers));
  return answer.json<{ result: { taskId: string } }>().result.taskId;
}

async function approve(id: string, body: object, token?: string) {
  const { headers } = await scene.gateway.admin({ path: `/api/holds/${id}` });
  return scene.gateway.admin({
    method: 'POST',
    path: `/api/holds/${id}/approve`,
    headers: { 'if-match': headers.etag!, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
  });
}

async function textOf(id: string): Promise<string> {
  let text = '';
  await expect
    .poll(
      async () => {
        const answer = await scene.gateway.call(modern('tasks/get', { taskId: id }));
        const { result } = answer.json<{ result: { result?: { content: [{ text: string }] } } }>();
        text = result.result?.content[0].text ?? '';
        return text;
      },
      { timeout: 20_000 },
    )
    .not.toBe('');
  return text;
}

test('a reviewer reads the tool and its arguments', async () => {
  const id = await hold('{"amount": 900, "note": "to a customer"}');
  const { action, consequence } = (await scene.gateway.admin({ path: `/api/holds/${id}` })).json<{
    action: object;
    consequence: string;
  }>();
  expect(action).toMatchObject({
    system: 'ledger',
    operation: 'refund',
    tool: 'refund',
    body: { amount: 900, note: 'to a customer' },
    amount: { value: 900, currency: null },
    target: { type: 'tool', id: 'refund' },
    complete: true,
  });
  expect(consequence).toContain('Approving sends a call of the tool refund to http');
  const token = join(scene.place.path, 'reviewer.token');
  writeFileSync(token, REVIEWER_TOKEN);
  const { stdout, stderr } = await runMain('holds', 'show', id, '--url', scene.gateway.adminUrl, '--token-file', token);
  expect(stderr).toBe('');
  expect(stdout).toContain('The tool refund with these arguments:');
  expect(stdout).toContain('"amount": 900');
  expect(stdout).not.toContain('jsonrpc');
});

test('an edit changes an argument, and every other value of the message stays byte for byte', async () => {
  const id = await hold('{ "amount" : 9.0e2,\t"note":"edited \\u00e9" }');
  const edited = await approve(id, { edit: { amount: 400 } });
  expect(edited.json()).toMatchObject({
    status: 'pending',
    revision: 2,
    diff: { proposed: { note: 'edited é' }, edited: { amount: 400, note: 'edited é' } },
  });
  await approve(id, {}, SECOND_REVIEWER);
  await textOf(id);
  const [sent, ...more] = scene.sentWith('edited ');
  expect(more).toEqual([]);
  expect(sent!.body.toString()).toBe(refund('{"amount":400,"note":"edited \\u00e9"}').body);
  expect(sent!.headers).toMatchObject({ 'content-length': String(sent!.body.length), 'mcp-name': 'refund' });
});

test('an argument that the rule does not name cannot be edited', async () => {
  const id = await hold('{"amount":901,"note":"kept"}');
  const answer = await approve(id, { edit: { note: 'changed' } });
  expect(answer.status).toBe(422);
  expect(answer.json()).toMatchObject({ errors: [{ pointer: '/edit/note' }] });
});

test('an argument that the agent repeated in a header cannot be edited', async () => {
  const id = await hold('{"amount":902}', { 'mcp-param-amount': '902' });
  const answer = await approve(id, { edit: { amount: 1 } });
  expect(answer.status).toBe(422);
  expect(answer.text).toContain('mcp-param-amount');
  const other = await hold('{"amount":903,"region":"eu"}', { 'mcp-param-region': 'eu' });
  expect((await approve(other, { edit: { amount: 1 } })).status).toBe(200);
});

test('a grant covers calls that differ in an open argument, and no others', async () => {
  const id = await hold('{"amount":904,"note":"first"}');
  const granted = await approve(id, { grant: { uses: 2, for: '1h', open: ['/note'] } });
  expect(granted.status).toBe(200);
  await textOf(id);
  await scene.gateway.call(refund('{"amount":904,"note":"second"}'));
  await expect.poll(() => scene.sentWith('second').length, { timeout: 20_000 }).toBe(1);
  expect((await scene.gateway.call(refund('{"amount":905,"note":"third"}'))).json()).toMatchObject({
    result: { resultType: 'task' },
  });
  const answering = modern('tools/call', {
    name: 'refund',
    arguments: { amount: 904, note: 'fourth' },
    inputResponses: { sure: { action: 'accept', content: {} } },
  });
  expect((await scene.gateway.call(answering)).json()).toMatchObject({ result: { resultType: 'task' } });
});
