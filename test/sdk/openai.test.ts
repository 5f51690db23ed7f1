import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { approve, startDataPlane, TOKEN, type DataPlane } from '../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';

const REGO = `package rules.openai

hold contains {"rule": "upload", "reviewers": ["finance"]} if input.action.segments == ["files"]

block contains {"rule": "other-project"} if input.action.headers["openai-project"] != "proj_1"

allow contains {"rule": "all"}
`;

let api: Upstream;
let plane: DataPlane;

beforeAll(async () => {
  api = await startUpstream(({ url }, response) => {
    const answer = url.endsWith('/files')
      ? { id: 'file-1', object: 'file' }
      : { id: 'chatcmpl-1', object: 'chat.completion', choices: [{ message: { role: 'assistant', content: 'Hi.' } }] };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  plane = await startDataPlane({
    systems: {
      openai: {
        upstream: `${api.url}/v1`,
        credential: { header: 'authorization', value: 'Bearer sk-upstream' },
        wait: '50ms',
      },
    },
    rego: { 'openai.rego': REGO },
  });
});

afterAll(async () => {
  await plane?.close();
  await api?.close();
});

const client = (project = 'proj_1') => new OpenAI({ apiKey: TOKEN, baseURL: `${plane.url}/openai`, project });

const ASKED = { model: 'gpt-5', messages: [{ role: 'user' as const, content: 'Hello' }] };

test('the openai SDK gets a completion, and its telemetry reaches the API', async () => {
  const { choices } = await client().chat.completions.create(ASKED);
  expect(choices[0]!.message.content).toBe('Hi.');
  expect(api.received[0]!.headers).toMatchObject({
    authorization: 'Bearer sk-upstream',
    'openai-project': 'proj_1',
    'x-stainless-lang': 'js',
    'x-stainless-retry-count': '0',
  });
});

test('the openai SDK is refused for a project that policy blocks', async () => {
  await expect(client('proj_2').chat.completions.create(ASKED)).rejects.toMatchObject({ status: 403 });
});

test('an agent that uploads a held file once more with the openai SDK finds its hold', async () => {
  const before = api.received.length;
  const upload = async () => {
    const file = await toFile(Buffer.from('{}\n'), 'a.jsonl');
    return client().files.create({ purpose: 'fine-tune', file }, { maxRetries: 0 });
  };
  await expect(upload()).rejects.toMatchObject({ status: 503 });
  const [hold] = (await plane.store.holds.list({ limit: 9 })).items;
  await approve(plane.store, hold!.id);
  // It has another boundary.
  expect(await upload()).toMatchObject({ id: 'file-1' });
  expect(api.received.length).toBe(before + 1);
  expect((await plane.store.holds.list({ limit: 9 })).items).toHaveLength(1);
});
