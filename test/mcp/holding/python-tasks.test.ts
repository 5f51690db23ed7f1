import { afterAll, beforeAll, expect, test } from 'vitest';
import { CLIENT_WITH_TASKS, type McpClient } from '../clients.ts';
import { TOKEN } from '../../helpers/gateway.ts';
import { openScene, type Scene } from './scene.ts';

let scene: Scene;
let client: McpClient;

beforeAll(async () => {
  scene = await openScene();
  client = await CLIENT_WITH_TASKS.connect(`${scene.gateway.url}/ledger/mcp`, TOKEN);
}, 600_000);
afterAll(async () => {
  await client?.close();
  await scene?.close();
});

async function pending(): Promise<string> {
  let id: string | undefined;
  await expect.poll(async () => (id = (await scene.gateway.pending())[0]?.hold_id)).toBeDefined();
  return id!;
}

test('the client of Python follows a held call as a task, and gets its result', async () => {
  const result = client.call('refund', { amount: 900, note: 'python' });
  const id = await pending();
  expect(scene.sentWith('python')).toHaveLength(0);
  await scene.gateway.approve(id);
  expect(await result).toMatchObject({ isError: false, text: expect.stringContaining('"note":"python"') });
  expect(scene.sentWith('python')).toHaveLength(1);
  // No request waited on a stream: the hold was the task.
  expect((await scene.gateway.admin({ path: `/api/holds/${id}` })).json()).toMatchObject({ execution: 'executed' });
});

test('the client of Python reads why a held call was rejected', async () => {
  const result = client.call('refund', { amount: 901 });
  const id = await pending();
  await scene.gateway.admin({
    method: 'POST',
    path: `/api/holds/${id}/reject`,
    headers: { 'if-match': '"1"' },
    body: JSON.stringify({ code: 'wrong-amount', note: 'at most 500' }),
  });
  expect(await result).toMatchObject({ isError: true, text: expect.stringContaining('at most 500') });
});
