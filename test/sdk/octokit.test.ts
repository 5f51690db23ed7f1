import { readFile } from 'node:fs/promises';
import { Octokit } from 'octokit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeBundle } from '../../gateway/domain/bundle.ts';
import { SHIPPED_BUNDLE } from '../../policies/compile.ts';
import { approve, startDataPlane, TOKEN, type DataPlane } from '../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';

let github: Upstream;
let plane: DataPlane;
let octokit: Octokit;

beforeAll(async () => {
  github = await startUpstream(({ method, url, body }, response) => {
    const answers: Record<string, unknown> = {
      'GET /api/v3/repos/acme/shop/issues?state=open': [{ number: 7, title: 'Broken link' }],
      'POST /api/v3/repos/acme/shop/issues/7/comments': { id: 1, body: JSON.parse(body.toString() || '{}').body },
      'PUT /api/v3/repos/acme/shop/pulls/12/merge': { merged: true, sha: 'abc' },
      'GET /api/v3/repos/acme/shop/contents/src%2Findex.ts': { path: 'src/index.ts' },
      'GET /api/v3/repos/acme/shop/branches/feature%2Fx': { name: 'feature/x' },
      'GET /api/v3/repos/acme/shop/git/ref/heads%2Fmain': { ref: 'refs/heads/main' },
      'GET /api/v3/repos/acme/shop/labels/area%2Fui': { name: 'area/ui' },
    };
    const found = answers[`${method} ${url}`];
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(found ?? { message: 'Not Found' }));
  });
  plane = await startDataPlane({
    systems: {
      github: {
        upstream: `${github.url}/api/v3`,
        credential: { header: 'authorization', value: 'Bearer ghp_upstream' },
        wait: '30s',
      },
    },
    rego: decodeBundle(await readFile(SHIPPED_BUNDLE, 'utf8')),
  });
  octokit = new Octokit({ auth: TOKEN, baseUrl: `${plane.url}/github`, throttle: { enabled: false } });
});

afterAll(async () => {
  await plane?.close();
  await github?.close();
});

const repo = { owner: 'acme', repo: 'shop' };

test('Octokit reads issues and comments through a path prefix', async () => {
  const issues = await octokit.rest.issues.listForRepo({ ...repo, state: 'open' });
  expect(issues.data[0]?.title).toBe('Broken link');
  const comment = await octokit.rest.issues.createComment({
    ...repo,
    issue_number: 7,
    body: 'On it — 12345678901234567890',
  });
  expect(comment.data.body).toBe('On it — 12345678901234567890');
  expect(github.received.map(({ headers }) => headers.authorization)).toEqual([
    'Bearer ghp_upstream',
    'Bearer ghp_upstream',
  ]);
});

test('Octokit reads a file, a branch, a reference and a label with a slash in their names (octokit/octokit.js#1355)', async () => {
  expect((await octokit.rest.repos.getContent({ ...repo, path: 'src/index.ts' })).data).toEqual({
    path: 'src/index.ts',
  });
  expect((await octokit.rest.repos.getBranch({ ...repo, branch: 'feature/x' })).data.name).toBe('feature/x');
  expect((await octokit.rest.git.getRef({ ...repo, ref: 'heads/main' })).data.ref).toBe('refs/heads/main');
  expect((await octokit.rest.issues.getLabel({ ...repo, name: 'area/ui' })).data.name).toBe('area/ui');
});

test('Octokit merges once a maintainer has approved', async () => {
  const before = github.received.length;
  const merge = octokit.rest.pulls.merge({ ...repo, pull_number: 12 });
  const pending = async () => (await plane.store.holds.list({ status: 'pending', limit: 1 })).items[0];
  await expect.poll(pending).toBeDefined();
  const hold = (await pending())!;
  expect(hold.reason).toBe('Merging pull request 12 into acme/shop changes what is released.');
  expect(github.received.length).toBe(before);
  const maintainer = { id: 'mo@example.com', groups: ['maintainers'], roles: ['reviewer'] };
  await approve(plane.store, hold.id, maintainer);
  expect((await merge).data.merged).toBe(true);
});

test("Octokit raises an error with the policy's reason for a forbidden deletion", async () => {
  const before = github.received.length;
  await expect(octokit.rest.repos.delete(repo)).rejects.toMatchObject({
    status: 403,
    message: expect.stringContaining('Agents may not delete anything on GitHub'),
  });
  expect(github.received.length).toBe(before);
});
