import { Client, collectPaginatedAPI, LogLevel } from '@notionhq/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TOKEN } from '../../helpers/data-plane.ts';
import { Answer, KEY, REASON } from '../presets.ts';
import { startPreset, type Preset } from './preset.ts';

const PAGE = '0193b1f0-c1de-7d3a-9e1f-6c0f1a2b3c4d';
const UPLOAD = '0193b1f0-c1de-7d3a-9e1f-6c0f1a2b3c4e';

let system: Preset;
let notion: Client;

beforeAll(async () => {
  system = await startPreset('notion', ({ method, url, body }, own) => {
    const { pathname, searchParams } = new URL(url, 'http://a');
    switch (`${method} ${pathname}`) {
      case 'GET /v1/users': {
        const n = Number(searchParams.get('start_cursor') ?? 1);
        const more = { has_more: n < 3, next_cursor: n < 3 ? String(n + 1) : null };
        return { object: 'list', type: 'user', results: [{ object: 'user', id: `u${n}` }], ...more };
      }
      case `GET /v1/pages/${PAGE}`:
        return { object: 'page', id: PAGE };
      case 'POST /v1/comments':
        return { object: 'comment', id: 'c1', rich_text: JSON.parse(body.toString()).rich_text };
      case 'POST /v1/file_uploads':
        return {
          object: 'file_upload',
          id: UPLOAD,
          status: 'pending',
          upload_url: `${own}/v1/file_uploads/${UPLOAD}/send`,
        };
      case `POST /v1/file_uploads/${UPLOAD}/send`:
        return { object: 'file_upload', id: UPLOAD, status: 'uploaded' };
      default:
        return new Answer(404, {}, { object: 'error', status: 404, code: 'object_not_found', message: 'Not here' });
    }
  });
  // The SDK waits as long as Retry-After says, but no longer than this.
  const retry = { maxRetryDelayMs: 500 };
  notion = new Client({ auth: TOKEN, baseUrl: system.url, logLevel: LogLevel.ERROR, retry });
});

afterAll(async () => system?.close());

const comment = (content: string) =>
  notion.comments.create({ parent: { page_id: PAGE }, rich_text: [{ text: { content } }] });

test("Notion's client lists, reads and writes with the key of the system", async () => {
  expect((await notion.users.list({ page_size: 1 })).results).toMatchObject([{ id: 'u1' }]);
  expect(await notion.pages.retrieve({ page_id: PAGE })).toMatchObject({ id: PAGE });
  expect(await comment('Hello')).toMatchObject({ id: 'c1' });
  expect(system.headers().authorization).toBe(`Bearer ${KEY}`);
  system.expectNoToken();
  expect(await system.operations()).toEqual(['get-users', 'retrieve-a-page', 'create-a-comment']);
});

test("Notion's client pages through users behind the gateway", async () => {
  const users = await collectPaginatedAPI(notion.users.list, {});
  expect(users.map(({ id }) => id)).toEqual(['u1', 'u2', 'u3']);
});

test("Notion's client uploads a file, and the URL for it leads through the gateway", async () => {
  const created = await notion.fileUploads.create({ mode: 'single_part', filename: 'a.txt' });
  expect(created.upload_url).toBe(`${system.url}/v1/file_uploads/${UPLOAD}/send`);
  const file = { filename: 'a.txt', data: new Blob(['hello'], { type: 'text/plain' }) };
  expect(await notion.fileUploads.send({ file_upload_id: created.id, file })).toMatchObject({ status: 'uploaded' });
});

test("an exception of Notion's client says why a comment is blocked", async () => {
  await expect(comment('secret')).rejects.toMatchObject({ code: 'restricted_resource', message: REASON });
});

test("Notion's client retries a held comment until it is approved, and it is made once", async () => {
  expect(await system.approved(() => comment('large'))).toMatchObject({ id: 'c1' });
});
