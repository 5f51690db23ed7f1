import {
  isCreateTaskResultV2,
  isDetailedTaskV2,
  type DetailedTaskV2,
  type TaskV2,
} from '@modelcontextprotocol/ext-tasks/core/v2';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, type Answer } from '../../helpers/gateway.ts';
import { executeTool, META, modern } from './messages.ts';
import { openScene, OTHER_TOKEN, type Scene } from './scene.ts';

const FAILED = '{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"out of order"}}';

let scene: Scene;

beforeAll(async () => {
  scene = await openScene((received, response) => {
    // A call with this note is never answered.
    if (received.body.includes('never answered')) return;
    if (received.body.includes('fails')) response.writeHead(200, { 'content-type': 'application/json' }).end(FAILED);
    else executeTool(received, response);
  });
});
afterAll(() => scene?.close());

const refund = (args: object, meta?: object, id?: number | string) =>
  modern('tools/call', { name: 'refund', arguments: args }, meta, id);
const about = (method: string, taskId: string, meta?: object) =>
  scene.gateway.call(modern(method, { taskId }, meta, 'q'));
const sentWith = (note: string) => scene.sentWith(note);

function resultOf<Result>(answer: Answer): Result {
  expect(answer.status).toBe(200);
  return answer.json<{ result: Result }>().result;
}

async function begin(args: object): Promise<TaskV2> {
  const created: unknown = resultOf(await scene.gateway.call(refund(args)));
  if (!isCreateTaskResultV2(created)) throw new Error(`no task: ${JSON.stringify(created)}`);
  return created;
}

async function get(taskId: string): Promise<DetailedTaskV2> {
  const task: unknown = resultOf(await about('tasks/get', taskId));
  if (!isDetailedTaskV2(task)) throw new Error(`no task: ${JSON.stringify(task)}`);
  return task;
}

async function ended(taskId: string): Promise<DetailedTaskV2> {
  let task = await get(taskId);
  await eventually('the task has ended', async () => {
    task = await get(taskId);
    return task.status !== 'working';
  });
  return task;
}

test('a held call is a task at once, which is executed when approved and carries the result of the server', async () => {
  const task = await begin({ amount: 900, note: 'approved' });
  expect(task).toMatchObject({ status: 'working', statusMessage: 'Waiting for approval.', pollIntervalMs: 5000 });
  expect(await get(task.taskId)).toMatchObject({ status: 'working' });
  expect(sentWith('approved')).toHaveLength(0);
  await scene.gateway.approve(task.taskId);
  expect(await ended(task.taskId)).toMatchObject({
    status: 'completed',
    result: { content: [{ text: 'tools/call refund {"amount":900,"note":"approved"}' }] },
  });
  expect(sentWith('approved')).toHaveLength(1);
});

test('the same call under another id is the same task', async () => {
  const { taskId } = await begin({ amount: 901, note: 'again' });
  const again = await scene.gateway.call(refund({ amount: 901, note: 'again' }, undefined, 'another'));
  expect(resultOf(again)).toMatchObject({ taskId });
});

test('a rejected call is a completed task, so that the model reads why', async () => {
  const { taskId } = await begin({ amount: 902 });
  const { headers } = await scene.gateway.admin({ path: `/api/holds/${taskId}` });
  await scene.gateway.admin({
    method: 'POST',
    path: `/api/holds/${taskId}/reject`,
    headers: { 'if-match': headers.etag! },
    body: JSON.stringify({ code: 'wrong-amount', note: 'max 500' }),
  });
  expect(await get(taskId)).toMatchObject({
    status: 'completed',
    result: { isError: true, content: [{ text: expect.stringContaining('max 500') }] },
  });
});

test('a task whose server answers with an error of JSON-RPC has failed with it', async () => {
  const { taskId } = await begin({ amount: 910, note: 'fails' });
  await scene.gateway.approve(taskId);
  expect(await ended(taskId)).toMatchObject({ status: 'failed', error: { code: -32603, message: 'out of order' } });
});

test('the kill switch ends the tasks of its agent, and none is executed', async () => {
  const { taskId } = await begin({ amount: 911, note: 'stopped' });
  const send = (method: string, path: string) =>
    scene.gateway.admin({ method, path: `/api/agents/refund-bot/${path}` });
  expect((await send('POST', 'suspend')).status).toBeLessThan(300);
  await eventually('the hold is superseded', async () => (await scene.gateway.approve(taskId)).status === 409);
  expect((await send('POST', 'resume')).status).toBeLessThan(300);
  await eventually('the agent may call again', async () => (await about('tasks/get', taskId)).text.includes('taskId'));
  expect(await get(taskId)).toMatchObject({ status: 'completed', result: { isError: true } });
  expect(sentWith('stopped')).toHaveLength(0);
});

test('a cancelled task withdraws its hold', async () => {
  const { taskId } = await begin({ amount: 903, note: 'withdrawn' });
  expect(resultOf(await about('tasks/cancel', taskId))).toEqual({ resultType: 'complete' });
  expect(await get(taskId)).toMatchObject({ status: 'cancelled' });
  expect((await scene.gateway.approve(taskId)).status).toBe(409);
  expect(resultOf(await about('tasks/cancel', taskId))).toEqual({ resultType: 'complete' });
  expect(sentWith('withdrawn')).toHaveLength(0);
});

test('input for a task that asks for none is acknowledged', async () => {
  const { taskId } = await begin({ amount: 904 });
  expect(resultOf(await about('tasks/update', taskId))).toEqual({ resultType: 'complete' });
  expect(await get(taskId)).toMatchObject({ status: 'working' });
});

test.for(['tasks/get', 'tasks/update', 'tasks/cancel'])('%s of another agent finds no task', async (method) => {
  const { taskId } = await begin({ amount: 905 });
  const asked = modern(method, { taskId });
  const answer = await scene.gateway.call({
    ...asked,
    headers: { ...asked.headers, authorization: `Bearer ${OTHER_TOKEN}` },
  });
  expect(answer.json()).toMatchObject({ error: { code: -32602, message: 'There is no such task.' } });
  const unknown = await about(method, `hold_${'0'.repeat(32)}`);
  expect(unknown.json()).toMatchObject({ id: 'q', error: { code: -32602 } });
  expect(await get(taskId)).toMatchObject({ status: 'working' });
});

test('a client that does not declare tasks with its request is told to', async () => {
  const { taskId } = await begin({ amount: 906 });
  const answer = await about('tasks/get', taskId, META);
  expect(answer.status).toBe(400);
  expect(answer.json()).toMatchObject({
    error: {
      code: -32021,
      data: { requiredCapabilities: { extensions: { 'io.modelcontextprotocol/tasks': {} } } },
    },
  });
});

test('a task of the server itself is asked for at the server', async () => {
  const answer = await about('tasks/get', 'job-7');
  expect(resultOf(answer)).toMatchObject({ content: [{ text: 'tasks/get undefined undefined' }] });
});

test('a task outlives kill -9 of the whole gateway, and is executed once', async () => {
  const { taskId } = await begin({ amount: 907, note: 'outlives' });
  await scene.killAndStart();
  expect(await get(taskId)).toMatchObject({ status: 'working' });
  await eventually('the task has ended', async () => {
    // Twice, if a worker had not heard of the hold before it was killed.
    if ((await scene.gateway.pending()).some(({ hold_id: id }) => id === taskId)) await scene.gateway.approve(taskId);
    return (await get(taskId)).status === 'completed';
  });
  expect(sentWith('outlives')).toHaveLength(1);
});

test('after kill -9 while the call is being sent, the client is told that its outcome is unknown', async () => {
  const { taskId } = await begin({ amount: 908, note: 'never answered' });
  await scene.gateway.approve(taskId);
  await eventually('the call was sent', () => sentWith('never answered').length === 1);
  await scene.killAndStart();
  expect(await ended(taskId)).toMatchObject({
    status: 'completed',
    result: { isError: true, content: [{ text: expect.stringContaining('its outcome is unknown') }] },
  });
  expect(sentWith('never answered')).toHaveLength(1);
});
