import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Received } from '../../helpers/upstream.ts';
import { KEY, REASON } from '../presets.ts';
import { startScene, type Answer, type Scene } from './scene.ts';

const PAGES = ['1', '2', '3'];

let scene: Scene;

/** As Confluence answers: Cloud by its second API, below /wiki, and Data Center by its first. A list has pages of one. */
function answer({ method, url, headers, body }: Received, origin: string): Answer {
  const { pathname, searchParams: query } = new URL(url, origin);
  switch (`${method} ${pathname}`) {
    case 'GET /wiki/api/v2/pages': {
      const at = Number(query.get('cursor') ?? 0);
      const next = at < 2 ? { next: `/wiki/api/v2/pages?limit=1&cursor=${at + 1}` } : {};
      return { body: { results: [{ id: PAGES[at], title: 'A' }], _links: { base: `${origin}/wiki`, ...next } } };
    }
    case 'POST /wiki/api/v2/pages':
      return { body: { id: '4', ...JSON.parse(String(body)) } };
    case 'GET /rest/api/content': {
      const start = Number(query.get('start') ?? 0);
      const self = `${origin}/rest/api/content/${PAGES[start]}`;
      const next = start < 2 ? { next: `/rest/api/content?spaceKey=SHOP&limit=1&start=${start + 1}` } : {};
      const results = [{ id: PAGES[start], _links: { self, webui: `/display/SHOP/${PAGES[start]}` } }];
      return { body: { results, start, limit: 1, size: 1, _links: { base: origin, context: '', ...next } } };
    }
    case 'GET /rest/api/content/1/child/attachment':
      return { body: { results: [] } };
    case 'POST /rest/api/content/1/child/attachment': {
      const isForm = headers['content-type']?.startsWith('multipart/form-data; boundary=');
      const isChecked = headers['x-atlassian-token'] === 'no-check';
      return isForm && isChecked ? { body: { results: [{ id: 'att1', title: 'a.txt' }] } } : { status: 403, body: {} };
    }
    default:
      return { status: 404, body: { statusCode: 404, message: url } };
  }
}

beforeAll(async () => {
  scene = await startScene({
    system: 'confluence',
    answer,
    setup: `
      import atlassian
      cloud = atlassian.Confluence(url=URL + "/wiki", username="bot@example.com", password=TOKEN, api_version=2)
      server = atlassian.Confluence(url="http://" + ADDRESS, token=TOKEN)
      def create(title):
          return cloud.create_page(space_id="7", title=title, body="<p>Hello</p>")["id"]
    `,
  });
}, 600_000);

afterAll(async () => scene?.close());

test('atlassian-python-api writes a page, and pages through pages of Confluence Cloud', async () => {
  expect(await scene.run('create("Small")')).toBe('4');
  expect(await scene.run('[page["id"] for page in cloud.get_pages(limit=1)]')).toEqual(PAGES);
  const basic = `Basic ${Buffer.from(KEY).toString('base64')}`;
  expect(scene.upstream.received.at(-1)!.headers.authorization).toBe(basic);
});

test("atlassian-python-api reads Confluence's links to itself as those of the gateway", async () => {
  const links =
    'cloud.get("api/v2/pages")["_links"]["base"], server.get("rest/api/content")["results"][0]["_links"]["self"]';
  expect(await scene.run(links)).toEqual([
    `${scene.plane.url}/confluence/wiki`,
    `http://${scene.address}/rest/api/content/1`,
  ]);
});

test('atlassian-python-api pages through Confluence Data Center, which has an address of its own at the gateway', async () => {
  const program = '[page["id"] for page in server._get_paged("rest/api/content", params={"spaceKey": "SHOP"})]';
  expect(await scene.run(program)).toEqual(PAGES);
});

test('atlassian-python-api uploads an attachment of several megabytes', async () => {
  const program = 'server.attach_content(b"x" * 3_000_000, name="a.txt", page_id="1")["results"][0]["id"]';
  expect(await scene.run(program)).toBe('att1');
});

test('atlassian-python-api says why policy blocks a call', async () => {
  await expect(scene.run('create("a secret")')).rejects.toMatchObject({ name: 'HTTPError', message: REASON });
});

test('atlassian-python-api says that a page waits for approval, and the same call writes it once it is approved', async () => {
  await expect(scene.run('create("a large one")')).rejects.toMatchObject({
    name: 'HTTPError',
    message: expect.stringContaining('waiting for a reviewer'),
  });
  await scene.approveNext();
  expect(await scene.run('create("a large one")')).toBe('4');
  expect(scene.reached().filter((call) => call === 'POST /wiki/api/v2/pages')).toHaveLength(2);
  expect(await scene.held()).toBe(1);
});
