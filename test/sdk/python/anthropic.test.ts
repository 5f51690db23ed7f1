import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Received } from '../../helpers/upstream.ts';
import { KEY, REASON } from '../presets.ts';
import { startScene, type Answer, type Scene } from './scene.ts';

const MODELS = ['claude-a', 'claude-b', 'claude-c'];
const MESSAGE = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-a',
  content: [{ type: 'text', text: 'Hi.' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 1, output_tokens: 1 },
};
const STREAM = [
  { type: 'message_start', message: { ...MESSAGE, content: [] } },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi.' } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 1 } },
  { type: 'message_stop' },
];

let scene: Scene;

/** As the Claude API answers. Lists have pages of one. The results of a batch are at an absolute URL. */
function answer({ method, url, headers, body }: Received, origin: string): Answer {
  const { pathname, searchParams } = new URL(url, origin);
  const results_url = `${origin}/v1/messages/batches/b_1/results`;
  const batch = { id: 'b_1', type: 'message_batch', processing_status: 'ended', results_url };
  switch (`${method} ${pathname}`) {
    case 'GET /v1/models': {
      const at = MODELS.indexOf(searchParams.get('after_id') ?? '') + 1;
      const id = MODELS[at]!;
      const data = [{ type: 'model', id, display_name: id, created_at: '2026-01-01T00:00:00Z' }];
      return { body: { data, has_more: at < MODELS.length - 1, first_id: id, last_id: id } };
    }
    case 'POST /v1/messages': {
      if (!JSON.parse(String(body)).stream) return { body: MESSAGE };
      const events = STREAM.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
      return { headers: { 'content-type': 'text/event-stream' }, body: events.join('') };
    }
    case 'POST /v1/files': {
      const isForm = headers['content-type']?.startsWith('multipart/form-data; boundary=');
      const size_bytes = body.length;
      return isForm
        ? { body: { id: 'file_1', type: 'file', filename: 'a.txt', mime_type: 'text/plain', size_bytes } }
        : { status: 400, body: {} };
    }
    case 'POST /v1/messages/batches':
    case 'GET /v1/messages/batches/b_1':
      return { body: batch };
    case 'GET /v1/messages/batches':
      return { body: { data: [batch], has_more: false, first_id: 'b_1', last_id: 'b_1' } };
    case 'GET /v1/messages/batches/b_1/results': {
      const result = { custom_id: 'one', result: { type: 'succeeded', message: MESSAGE } };
      return { headers: { 'content-type': 'application/x-jsonl' }, body: `${JSON.stringify(result)}\n` };
    }
    default:
      return { status: 404, body: { type: 'error', error: { type: 'not_found_error', message: url } } };
  }
}

beforeAll(async () => {
  scene = await startScene({
    system: 'anthropic',
    answer,
    setup: `
      import anthropic
      client = anthropic.Anthropic(api_key=TOKEN, base_url=URL)
      def ask(text, **more):
          asked = {"model": "claude-a", "max_tokens": 9, "messages": [{"role": "user", "content": text}]}
          return client.messages.create(**asked, **more).content[0].text
    `,
  });
}, 600_000);

afterAll(async () => scene?.close());

test('anthropic asks and streams with the key of the preset', async () => {
  expect(await scene.run('ask("Hello")')).toBe('Hi.');
  const program = `
    messages = [{"role": "user", "content": "Hello"}]
    with client.messages.stream(model="claude-a", max_tokens=9, messages=messages) as stream:
        text = stream.get_final_text()
    text
  `;
  expect(await scene.run(program)).toBe('Hi.');
  expect(scene.upstream.received.at(-1)!.headers['x-api-key']).toBe(KEY);
});

test('anthropic pages through a list', async () => {
  expect(await scene.run('[model.id for model in client.models.list(limit=1)]')).toEqual(MODELS);
});

test('anthropic reads the results of a batch, which are at an absolute URL, through the gateway', async () => {
  const program = `
    params = {"model": "claude-a", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}
    batch = client.messages.batches.create(requests=[{"custom_id": "one", "params": params}])
    [listed.results_url for listed in client.messages.batches.list()], [entry.custom_id for entry in client.messages.batches.results(batch.id)]
  `;
  const results = `${scene.plane.url}/anthropic/v1/messages/batches/b_1/results`;
  expect(await scene.run(program)).toEqual([[results], ['one']]);
});

test('anthropic uploads a file of several megabytes', async () => {
  const program = 'client.beta.files.upload(file=("a.txt", b"x" * 5_000_000, "text/plain")).id';
  expect(await scene.run(program)).toBe('file_1');
});

test('anthropic says why policy blocks a call, streamed or not', async () => {
  const said = { name: 'PermissionDeniedError', message: expect.stringContaining(REASON) };
  await expect(scene.run('ask("a secret")')).rejects.toMatchObject(said);
  await expect(scene.run('ask("a secret", stream=True)')).rejects.toMatchObject(said);
});

test('anthropic retries a held call until it is approved, and it is made once', async () => {
  const before = scene.upstream.received.length;
  const asked = scene.run('ask("a large question")');
  await scene.approveNext();
  expect(await asked).toBe('Hi.');
  expect(scene.upstream.received.slice(before)).toHaveLength(1);
  expect(await scene.held()).toBe(1);
});
