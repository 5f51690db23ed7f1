import { Gitlab } from '@gitbeaker/rest';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TOKEN } from '../../helpers/data-plane.ts';
import { Answer, KEY, REASON } from '../presets.ts';
import { startPreset, type Preset } from './preset.ts';

const PROJECT = '/api/v4/projects/group%2Fshop';

let system: Preset;
let gitlab: InstanceType<typeof Gitlab>;

beforeAll(async () => {
  system = await startPreset('gitlab', ({ method, url, body }, own) => {
    const { pathname, searchParams } = new URL(url, 'http://a');
    switch (`${method} ${pathname}`) {
      case `GET ${PROJECT}/issues`: {
        const n = Number(searchParams.get('page') ?? 1);
        const next = `${own}${PROJECT}/issues?page=${n + 1}&per_page=1`;
        const link = [n < 3 ? `<${next}>; rel="next"` : '', `<${own}${PROJECT}/issues?page=3&per_page=1>; rel="last"`];
        return new Answer(
          200,
          { link: link.filter(Boolean).join(', '), 'x-page': String(n), 'x-per-page': '1', 'x-total-pages': '3' },
          [{ iid: n, title: `issue ${n}`, _links: { self: `${own}${PROJECT}/issues/${n}` } }],
        );
      }
      case `GET ${PROJECT}/issues/1`:
        return { iid: 1, _links: { self: `${own}${PROJECT}/issues/1` } };
      case `POST ${PROJECT}/issues`:
        return new Answer(201, {}, { iid: 9, ...JSON.parse(body.toString()) });
      case `GET ${PROJECT}/repository/files/lib%2Fa.rb`:
        return { file_path: 'lib/a.rb', content: 'cHV0cyAx', encoding: 'base64' };
      case `POST ${PROJECT}/uploads`:
        return new Answer(201, {}, { id: 5, alt: 'a.txt', url: '/uploads/1/a.txt', full_path: '/-/project/7/a.txt' });
      default:
        return new Answer(404, {}, { message: '404 Not found' });
    }
  });
  gitlab = new Gitlab({ host: system.url, token: TOKEN });
});

afterAll(async () => system?.close());

const create = (title: string) => gitlab.Issues.create('group/shop', title);

test('gitbeaker lists, reads and writes with the key of the system', async () => {
  expect(
    await gitlab.Issues.all({ projectId: 'group/shop', labels: 'bug,area/ui', iids: [1, 2], perPage: 1, maxPages: 1 }),
  ).toMatchObject([{ iid: 1 }]);
  const issue = await gitlab.Issues.show(1, { projectId: 'group/shop' });
  expect(issue).toMatchObject({ _links: { self: `${system.url}${PROJECT}/issues/1` } });
  expect(await gitlab.RepositoryFiles.show('group/shop', 'lib/a.rb', 'main')).toMatchObject({ content: 'cHV0cyAx' });
  expect(await create('Broken link')).toMatchObject({ iid: 9, title: 'Broken link' });
  expect(system.headers()['private-token']).toBe(KEY);
  system.expectNoToken();
  expect(await system.operations()).toEqual([
    'getApiV4ProjectsIdIssues',
    'getApiV4ProjectsIdIssuesIssueIid',
    'getApiV4ProjectsIdRepositoryFilesFilePath',
    'postApiV4ProjectsIdIssues',
  ]);
});

test('gitbeaker pages through issues behind the gateway', async () => {
  const issues = await gitlab.Issues.all({ projectId: 'group/shop', perPage: 1 });
  expect(issues.map(({ iid }) => iid)).toEqual([1, 2, 3]);
});

test('gitbeaker uploads a file', async () => {
  const file = { content: new Blob(['hello']), filename: 'a.txt' };
  expect(await gitlab.ProjectMarkdownUploads.create('group/shop', file)).toMatchObject({ url: '/uploads/1/a.txt' });
});

test('an exception of gitbeaker says why an issue is blocked', async () => {
  await expect(create('secret')).rejects.toMatchObject({ name: 'GitbeakerRequestError', message: REASON });
});

test('gitbeaker retries a held issue until it is approved, and it is made once', async () => {
  expect(await system.approved(() => create('large'))).toMatchObject({ title: 'large' });
});
