import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TOKEN } from '../../helpers/data-plane.ts';
import { Answer, KEY, REASON } from '../presets.ts';
import { startPreset, type Preset } from './preset.ts';

let system: Preset;
let openai: OpenAI;

const file = (n: number) => ({ id: `file-${n}`, object: 'file', purpose: 'user_data' });

beforeAll(async () => {
  system = await startPreset('openai', ({ method, url, body }) => {
    const { pathname, searchParams } = new URL(url, 'http://a');
    switch (`${method} ${pathname}`) {
      case 'GET /models/gpt-5':
        return { id: 'gpt-5', object: 'model' };
      case 'GET /files': {
        const n = Number(searchParams.get('after')?.slice(5) ?? 0) + 1;
        return { object: 'list', data: [file(n)], has_more: n < 3, first_id: `file-${n}`, last_id: `file-${n}` };
      }
      case 'POST /files':
        return { ...file(4), bytes: body.length };
      case 'POST /responses':
        return JSON.parse(body.toString()).stream
          ? new Answer(
              200,
              { 'content-type': 'text/event-stream' },
              ['response.created', 'response.completed']
                .map((type) => `event: ${type}\ndata: {"type":"${type}","response":{"id":"resp_1"}}\n\n`)
                .join(''),
            )
          : { id: 'resp_1', object: 'response', status: 'completed', output: [] };
      case 'POST /chat/completions':
        return { id: 'c', object: 'chat.completion', choices: [{ message: { role: 'assistant', content: 'Hi.' } }] };
      default:
        return new Answer(404, {}, { error: { message: 'Unknown URL', type: 'invalid_request_error' } });
    }
  });
  openai = new OpenAI({ apiKey: TOKEN, baseURL: system.url, maxRetries: 5 });
});

afterAll(async () => system?.close());

const ask = (content: string) =>
  openai.chat.completions.create({ model: 'gpt-5', messages: [{ role: 'user', content }] });

test('the openai SDK lists, reads, writes and streams with the key of the system', async () => {
  expect((await openai.files.list()).data).toMatchObject([{ id: 'file-1' }]);
  expect(await openai.models.retrieve('gpt-5')).toMatchObject({ id: 'gpt-5' });
  expect((await ask('Hello')).choices[0]!.message.content).toBe('Hi.');
  expect(await openai.responses.create({ model: 'gpt-5', input: 'Hello' })).toMatchObject({ id: 'resp_1' });
  const types = [];
  for await (const { type } of await openai.responses.create({ model: 'gpt-5', input: 'Hello', stream: true }))
    types.push(type);
  expect(types).toEqual(['response.created', 'response.completed']);
  expect(system.headers().authorization).toBe(`Bearer ${KEY}`);
  system.expectNoToken();
  expect(await system.operations()).toEqual([
    'listFiles',
    'retrieveModel',
    'createChatCompletion',
    'createResponse',
    'createResponse',
  ]);
});

test('the openai SDK pages through files behind the gateway', async () => {
  const ids = [];
  for await (const { id } of openai.files.list({ limit: 1 })) ids.push(id);
  expect(ids).toEqual(['file-1', 'file-2', 'file-3']);
});

test('the openai SDK uploads a file of more than 1 MiB', async () => {
  const upload = await toFile(Buffer.alloc(2 ** 21, 'x'), 'a.txt', { type: 'text/plain' });
  const { bytes } = await openai.files.create({ purpose: 'user_data', file: upload });
  expect(bytes).toBeGreaterThan(2 ** 21);
});

test('the permission error of the openai SDK says why a question is blocked', async () => {
  await expect(ask('a secret')).rejects.toMatchObject({ status: 403, message: expect.stringContaining(REASON) });
});

test('the openai SDK retries a held question until it is approved, and it is asked once', async () => {
  expect((await system.approved(() => ask('a large one'))).choices[0]!.message.content).toBe('Hi.');
});
