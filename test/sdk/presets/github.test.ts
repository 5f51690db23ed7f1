import { Octokit } from 'octokit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TOKEN } from '../../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';
import { parseConfig } from '../../../gateway/config/config.ts';
import { createOperationNamer } from '../../../gateway/describe/http/operation.ts';
import { Answer, KEY, REASON } from '../presets.ts';
import { startPreset, type Preset } from './preset.ts';

/** What Octokit knows of the operations of a scope. */
type Endpoints = Readonly<Record<string, Pick<Octokit['rest']['issues']['get'], 'endpoint'>>>;

const repo = { owner: 'acme', repo: 'shop' };

let uploads: Upstream;
let system: Preset;
let octokit: Octokit;

beforeAll(async () => {
  uploads = await startUpstream(({ url, body }, response) => {
    response.writeHead(201, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ id: 5, name: url, size: body.length }));
  });
  system = await startPreset(
    'github',
    ({ method, url, body }, own) => {
      const { pathname, searchParams } = new URL(url, 'http://a');
      switch (`${method} ${pathname}`) {
        // Links to the next page name the repository by its number.
        case 'GET /repos/acme/shop/issues':
        case 'GET /repositories/1/issues': {
          const n = Number(searchParams.get('page') ?? 1);
          const link = n < 3 ? { link: `<${own}/repositories/1/issues?per_page=1&page=${n + 1}>; rel="next"` } : {};
          return new Answer(200, link, [{ number: n, comments_url: `${own}/repos/acme/shop/issues/${n}/comments` }]);
        }
        case 'GET /repos/acme/shop/issues/1/comments':
          return [{ id: 1 }];
        case 'GET /repos/acme/shop/contents/src%2Findex.ts':
          return { path: 'src/index.ts' };
        case 'GET /repos/acme/old':
          return new Answer(301, { location: `${own}/repositories/1` }, { message: 'Moved Permanently' });
        case 'GET /repositories/1':
          return { id: 1, full_name: 'acme/shop' };
        case 'POST /repos/acme/shop/issues':
          return new Answer(201, {}, { number: 8, ...JSON.parse(body.toString()) });
        case 'POST /repos/acme/shop/releases':
          return new Answer(
            201,
            {},
            { id: 9, upload_url: `${uploads.url}/repos/acme/shop/releases/9/assets{?name,label}` },
          );
        default:
          return new Answer(404, {}, { message: 'Not Found', documentation_url: 'https://docs.github.com/rest' });
      }
    },
    { upstream_hosts: [uploads.url] },
  );
  const retry = { retryAfterBaseValue: 100 };
  octokit = new Octokit({ auth: TOKEN, baseUrl: system.url, throttle: { enabled: false }, retry });
});

afterAll(async () => {
  await system?.close();
  await uploads?.close();
});

const create = (title: string) => octokit.rest.issues.create({ ...repo, title });

test('Octokit lists, reads and writes with the key of the system', async () => {
  expect((await octokit.rest.issues.listForRepo(repo)).data).toMatchObject([{ number: 1 }]);
  const { data } = await octokit.rest.repos.getContent({ ...repo, path: 'src/index.ts' });
  expect(data).toMatchObject({ path: 'src/index.ts' });
  expect((await octokit.rest.repos.get({ ...repo, repo: 'old' })).data.full_name).toBe('acme/shop');
  expect((await create('Broken link')).data).toMatchObject({ number: 8, title: 'Broken link' });
  expect(system.headers().authorization).toBe(`Bearer ${KEY}`);
  system.expectNoToken();
  expect(await system.operations()).toEqual([
    'issues/list-for-repo',
    'GET /repos/acme/shop/contents/{id}',
    'repos/get',
    'repos/get',
    'issues/create',
  ]);
});

test('Octokit pages through issues, and follows the URL of their comments, behind the gateway', async () => {
  const issues = await octokit.paginate(octokit.rest.issues.listForRepo, { ...repo, per_page: 1 });
  expect(issues.map(({ number }) => number)).toEqual([1, 2, 3]);
  expect(issues[0]!.comments_url).toBe(`${system.url}/repos/acme/shop/issues/1/comments`);
  expect((await octokit.request(issues[0]!.comments_url)).data).toEqual([{ id: 1 }]);
  expect(new Set((await system.operations()).slice(5, 8))).toEqual(new Set(['issues/list-for-repo']));
});

test('Octokit uploads an asset of a release to its own host through the gateway', async () => {
  const release = await octokit.rest.repos.createRelease({ ...repo, tag_name: 'v1' });
  const asset = { ...repo, release_id: 9, name: 'a b.txt', data: 'bytes', url: release.data.upload_url };
  const uploaded = await octokit.rest.repos.uploadReleaseAsset({ ...asset, headers: { 'content-type': 'text/plain' } });
  expect(uploaded.data.name).toContain('/repos/acme/shop/releases/9/assets?name=a%20b.txt');
  expect(uploads.received[0]!.headers.authorization).toBe(`Bearer ${KEY}`);
});

test("Octokit's error says why an issue is blocked", async () => {
  await expect(create('secret')).rejects.toMatchObject({ status: 403, message: expect.stringContaining(REASON) });
});

test('Octokit retries a held issue until it is approved, and it is made once', async () => {
  expect((await system.approved(() => create('large'))).data).toMatchObject({ number: 8, title: 'large' });
});

test('of all operations that Octokit knows, those of the preset have their own names, and no other has one of these', () => {
  const { openapi } = parseConfig('systems: { github: { preset: github } }', 'holdpoint.yaml', {}).systems[0]!;
  const names = new Set(JSON.stringify(openapi).match(/(?<="operationId":")[^"]+/g));
  const nameOf = createOperationNamer(openapi);
  const named = new Set<string>();
  for (const [scope, operations] of Object.entries(octokit.rest)) {
    for (const [key, { endpoint }] of Object.entries(operations as unknown as Endpoints)) {
      const { method, url } = endpoint.DEFAULTS;
      // An upload has the URL that the release names.
      if (url.startsWith('http') || url.includes('{?')) continue;
      const id = `${scope}/${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
      const segments = url.slice(1).split('/');
      const { operation } = nameOf(
        method,
        segments.map((segment) => segment.replace(/\{.+\}/, 'x')),
      );
      if (names.has(operation)) named.add(operation);
      expect({ id, named: names.has(operation) ? operation : null }).toEqual({ id, named: names.has(id) ? id : null });
    }
  }
  expect([...names].filter((name) => !named.has(name))).toEqual(['repos/upload-release-asset']);
});
