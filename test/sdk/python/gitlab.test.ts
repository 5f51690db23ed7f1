import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Received } from '../../helpers/upstream.ts';
import { KEY, REASON } from '../presets.ts';
import { startScene, type Answer, type Scene } from './scene.ts';

let scene: Scene;

/** As GitLab answers. Lists have pages of one, and lead to the next by `Link`. */
function answer({ method, url, headers, body }: Received, origin: string): Answer {
  const { pathname, searchParams } = new URL(url, origin);
  const project = `${origin}/api/v4/projects/7`;
  switch (`${method} ${pathname}`) {
    case 'GET /api/v4/projects/group%2Fshop':
      return {
        body: { id: 7, web_url: `${origin}/group/shop`, _links: { self: project, issues: `${project}/issues` } },
      };
    case 'GET /api/v4/projects/7/issues': {
      const page = Number(searchParams.get('page') ?? 1);
      const next = `<${project}/issues?id=7&page=${page + 1}&per_page=1>; rel="next"`;
      const links = [...(page < 3 ? [next] : []), `<${project}/issues?id=7&page=1&per_page=1>; rel="first"`];
      const counts = { 'x-page': String(page), 'x-per-page': '1', 'x-total': '3', 'x-total-pages': '3' };
      return { headers: { link: links.join(', '), ...counts }, body: [{ iid: page, project_id: 7 }] };
    }
    case 'POST /api/v4/projects/7/issues':
      return { status: 201, body: { iid: 4, ...JSON.parse(String(body)) } };
    case 'GET /api/v4/projects/7/repository/files/lib%2Fclass.rb':
      return { body: { file_path: 'lib/class.rb', content: 'cHV0cyAx', encoding: 'base64' } };
    case 'POST /api/v4/projects/7/uploads': {
      const isForm = headers['content-type']?.startsWith('multipart/form-data; boundary=');
      return isForm ? { status: 201, body: { alt: 'a', url: '/uploads/1/a.txt' } } : { status: 400, body: {} };
    }
    case 'PUT /api/v4/projects/7/packages/generic/app/1.0/a.bin':
      return { status: 201, body: { message: '201 Created', size: body.length } };
    default:
      return { status: 404, body: { message: '404 Not found' } };
  }
}

beforeAll(async () => {
  scene = await startScene({
    system: 'gitlab',
    answer,
    setup: `
      import gitlab, requests
      api = gitlab.Gitlab(URL, private_token=TOKEN, per_page=1, retry_transient_errors=True)
      project = api.projects.get("group/shop")
    `,
  });
}, 600_000);

afterAll(async () => scene?.close());

test('python-gitlab reads a file of a project by their paths, with the key of the preset', async () => {
  expect(await scene.run('project.files.get("lib/class.rb", ref="main").decode()')).toBe('puts 1');
  expect(scene.upstream.received.at(-1)!.headers['private-token']).toBe(KEY);
});

test("python-gitlab reads a project's links to its API as those of the gateway, and to its page as they are", async () => {
  const issues = `${scene.plane.url}/gitlab/api/v4/projects/7/issues`;
  expect(await scene.run('project._links["issues"], project.web_url')).toEqual([
    issues,
    `${scene.upstream.url}/group/shop`,
  ]);
});

test('python-gitlab pages through issues', async () => {
  expect(await scene.run('[issue.iid for issue in project.issues.list(iterator=True)]')).toEqual([1, 2, 3]);
});

test('python-gitlab writes an issue, and uploads a file and a package of several megabytes', async () => {
  expect(await scene.run('project.issues.create({"title": "small"}).title')).toBe('small');
  expect(await scene.run('project.upload("a.txt", filedata=b"x" * 2_000_000)["url"]')).toBe('/uploads/1/a.txt');
  const program = `
    package = {"package_name": "app", "package_version": "1.0", "file_name": "a.bin"}
    sizes = [project.generic_packages.upload(**package, data=data).size for data in (b"x" * 3_000_000, b'{"a":1,"a":2}')]
    sizes
  `;
  expect(await scene.run(program)).toEqual([3_000_000, 13]);
});

test('python-gitlab says why policy blocks a call', async () => {
  await expect(scene.run('project.issues.create({"title": "a secret"})')).rejects.toMatchObject({
    name: 'GitlabCreateError',
    message: `403: ${REASON}`,
  });
});

test('requests, whose raise_for_status shows no body, says why policy blocks a call', async () => {
  const program = 'requests.get(URL + "/secret", headers={"Authorization": "Bearer " + TOKEN}).raise_for_status()';
  await expect(scene.run(program)).rejects.toMatchObject({
    name: 'HTTPError',
    message: expect.stringContaining(`403 Client Error: ${REASON}`),
  });
});

test('python-gitlab retries a held issue until it is approved, and it is written once', async () => {
  const written = scene.run('project.issues.create({"title": "a large one"}).iid');
  await scene.approveNext();
  expect(await written).toBe(4);
  expect(scene.reached().filter((call) => call === 'POST /api/v4/projects/7/issues')).toHaveLength(2);
  expect(await scene.held()).toBe(1);
});
