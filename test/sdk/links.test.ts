import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { LogLevel, WebClient } from '@slack/web-api';
import { Octokit } from 'octokit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDataPlane, TOKEN, type DataPlane } from '../helpers/data-plane.ts';
import { startUpstream, type Received, type Upstream } from '../helpers/upstream.ts';
import { pythonWithSdks } from './python/sdks.ts';

const REGO = { 'all.rego': 'package rules.all\n\nallow contains {"rule": "all"} if true\n' };

type Answer = { status?: number; headers?: Record<string, string>; body?: unknown };

/** Systems that lead to themselves by absolute URLs, as the real ones do. */
let github: Upstream;
let uploads: Upstream;
let gitlab: Upstream;
let storage: Upstream;
let slack: Upstream;
let slackFiles: Upstream;
let plane: DataPlane;
let python: string;

async function start(answer: (received: Received) => Answer): Promise<Upstream> {
  return startUpstream((received, response) => {
    const { status = 200, headers = {}, body } = answer(received);
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers });
    response.end(body === undefined ? '' : JSON.stringify(body));
  });
}

/** Page `n` of three, with the headers by which clients page. */
function page(url: string, n: number, item: object): Answer {
  const link = [n < 3 ? `<${url}&page=${n + 1}>; rel="next"` : '', `<${url}&page=3>; rel="last"`];
  return { headers: { link: link.filter(Boolean).join(', '), 'x-total': '3' }, body: [item] };
}

const pageOf = (url: string) => Number(new URL(url, 'http://a').searchParams.get('page') ?? 1);

beforeAll(async () => {
  uploads = await start(({ url }) => ({ status: 201, body: { id: 5, name: url } }));
  github = await start(({ url, method }) => {
    const [path] = url.split('?');
    if (path === '/repos/acme/old')
      return { status: 301, headers: { location: `${github.url}/repositories/1` }, body: {} };
    if (path === '/repositories/1' || path === '/repos/acme/shop')
      return { body: { id: 1, full_name: 'acme/shop', name: 'shop', url: `${github.url}/repos/acme/shop` } };
    if (path!.endsWith('/releases'))
      return {
        status: 201,
        body: { id: 9, upload_url: `${uploads.url}/repos/acme/shop/releases/9/assets{?name,label}` },
      };
    if (path!.endsWith('/issues')) {
      const n = pageOf(url);
      return page(`${github.url}/repositories/1/issues?per_page=1`, n, {
        number: n,
        title: `issue ${n}`,
        url: `${github.url}/repos/acme/shop/issues/${n}`,
      });
    }
    return { status: 404, body: { message: `${method} ${url}` } };
  });
  gitlab = await start(({ url }) => {
    const n = pageOf(url);
    const answer = page(`${gitlab.url}/api/v4/projects/7/issues?per_page=1`, n, { iid: n, project_id: 7 });
    return { ...answer, headers: { ...answer.headers!, 'x-page': String(n), 'x-per-page': '1', 'x-total-pages': '3' } };
  });
  storage = await start(({ url, method, headers }) => {
    if (method === 'POST') {
      const location = `${storage.url}/upload/storage/v1/b/bkt/o?uploadType=resumable&upload_id=AB`;
      return { headers: { location }, body: {} };
    }
    if (method !== 'PUT') return { status: 404, body: { url } };
    const [, end, total] = /bytes \d+-(\d+)\/(\d+|\*)/.exec(headers['content-range'] ?? '')!;
    if (total === '*' || Number(end) + 1 < Number(total)) return { status: 308, headers: { range: `bytes=0-${end}` } };
    return { body: { name: 'file.bin', bucket: 'bkt', size: total } };
  });
  slackFiles = await startUpstream((_received, response) => void response.writeHead(200).end('OK - 5'));
  slack = await start(({ url }) => {
    const [, method] = url.split('/api/');
    if (method!.startsWith('files.getUploadURLExternal'))
      return { body: { ok: true, upload_url: `${slackFiles.url}/upload/v1/CwABAAAA`, file_id: 'F1' } };
    if (method!.startsWith('files.completeUploadExternal'))
      return { body: { ok: true, files: [{ id: 'F1', title: 'a.txt' }] } };
    return { body: { ok: false, error: 'unknown_method' } };
  });
  const githubLinks = { upstream_hosts: [uploads.url], links: ['url', '/upload_url'] };
  [plane, python] = await Promise.all([
    startDataPlane({
      systems: {
        github: {
          upstream: github.url,
          ...githubLinks,
          credential: { header: 'authorization', value: 'Bearer of-github' },
        },
        gitlab: { upstream: gitlab.url, agent_credential: { header: 'private-token' } },
        gcs: { upstream: storage.url },
        slack: {
          preset: 'slack',
          upstream: `${slack.url}/api`,
          upstream_hosts: [{ url: `${slackFiles.url}/upload`, link_pass: '1h' }],
          credential: 'xoxb-of-slack',
        },
      },
      rego: REGO,
    }),
    pythonWithSdks(),
  ]);
}, 600_000);

afterAll(async () => {
  await plane?.close();
  await Promise.all([github, uploads, gitlab, storage, slack, slackFiles].map((one) => one?.close()));
});

/** No system may ever get the agent's own token. */
function expectBehindTheGateway(system: Upstream): void {
  expect(JSON.stringify(system.received.map(({ rawHeaders }) => rawHeaders))).not.toContain(TOKEN);
}

async function run(program: string): Promise<string> {
  const env = { URL: plane.url, TOKEN, STORAGE_EMULATOR_HOST: `${plane.url}/gcs` };
  const { stdout } = await promisify(execFile)(python, ['-c', program], { env });
  return stdout.trim();
}

test('Octokit pages, follows the redirect of a renamed repository and uploads an asset through the gateway (google/go-github#4190)', async () => {
  const octokit = new Octokit({ auth: TOKEN, baseUrl: `${plane.url}/github`, throttle: { enabled: false } });
  const repo = { owner: 'acme', repo: 'shop' };
  const issues = await octokit.paginate(octokit.rest.issues.listForRepo, { ...repo, per_page: 1 });
  expect(issues.map(({ number }) => number)).toEqual([1, 2, 3]);
  expect((await octokit.rest.repos.get({ ...repo, repo: 'old' })).data.full_name).toBe('acme/shop');
  const release = await octokit.rest.repos.createRelease({ ...repo, tag_name: 'v1' });
  const asset = { ...repo, release_id: 9, name: 'a b.txt', data: 'bytes', headers: { 'content-type': 'text/plain' } };
  const uploaded = await octokit.rest.repos.uploadReleaseAsset({ ...asset, url: release.data.upload_url });
  expect(uploaded.data.name).toContain('/repos/acme/shop/releases/9/assets?name=a%20b.txt');
  expect(uploads.received.at(-1)!.headers.authorization).toBe('Bearer of-github');
  expectBehindTheGateway(github);
  expectBehindTheGateway(uploads);
});

test('PyGithub reads a repository and all pages of its issues through the gateway (PyGithub/PyGithub#2524)', async () => {
  const program = `
import github, os
api = github.Github(base_url=os.environ["URL"] + "/github", auth=github.Auth.Token(os.environ["TOKEN"]), per_page=1, retry=None)
print(*[issue.number for issue in api.get_repo("acme/shop").get_issues()])
`;
  expect(await run(program)).toBe('1 2 3');
  expectBehindTheGateway(github);
});

test('python-gitlab reads all pages of issues through the gateway', async () => {
  const program = `
import gitlab, os
project = gitlab.Gitlab(os.environ["URL"] + "/gitlab", private_token=os.environ["TOKEN"], per_page=1).projects.get(7, lazy=True)
print(*[issue.iid for issue in project.issues.list(iterator=True)])
`;
  expect(await run(program)).toBe('1 2 3');
  expectBehindTheGateway(gitlab);
});

test('google-cloud-storage uploads in parts through the gateway (fullstorydev/emulators#4)', async () => {
  const program = `
import io, os
from google.auth.credentials import Credentials
from google.cloud import storage

class Token(Credentials):
    def refresh(self, request): pass

credentials = Token()
credentials.token = os.environ["TOKEN"]
client = storage.Client(project="p", credentials=credentials, client_options={"api_endpoint": os.environ["URL"] + "/gcs"})
blob = client.bucket("bkt").blob("file.bin", chunk_size=256 * 1024)
blob.upload_from_file(io.BytesIO(b"x" * 600000), checksum=None)
print(blob.size)
`;
  expect(await run(program)).toBe('600000');
  expect(storage.received.filter(({ method }) => method === 'PUT')).toHaveLength(3);
  expectBehindTheGateway(storage);
});

test('requests follows a 307 to an absolute URL of the system through the gateway', async () => {
  const program = `
import os, requests
answer = requests.get(os.environ["URL"] + "/github/repos/acme/old", headers={"authorization": "Bearer " + os.environ["TOKEN"]})
print(answer.url, answer.json()["full_name"])
`;
  expect(await run(program)).toBe(`${plane.url}/github/repositories/1 acme/shop`);
  expectBehindTheGateway(github);
});

/** The file reached Slack as the agent's call, and Slack got neither the token of the agent nor its own key for it. */
async function expectUploaded(channel: string): Promise<void> {
  expect(slackFiles.received.map(({ method, url }) => `${method} ${url}`)).toEqual(['POST /upload/v1/CwABAAAA']);
  expect(slackFiles.received[0]!.body.toString()).toContain('hello');
  expect(slackFiles.received[0]!.headers).not.toHaveProperty('authorization');
  expect(slack.received.at(-1)!.url).toBe('/api/files.completeUploadExternal');
  expect(slack.received.at(-1)!.headers.authorization).toBe('Bearer xoxb-of-slack');
  expectBehindTheGateway(slack);
  const uploaded = (await plane.events()).findLast(({ path }) => path?.endsWith('/v1/CwABAAAA'));
  expect(uploaded).toMatchObject({ agent: 'billing-bot', system: 'slack', channel });
}

test("the Slack SDK's filesUploadV2 uploads through the gateway", async () => {
  slackFiles.received.length = 0;
  const client = new WebClient(TOKEN, { slackApiUrl: `${plane.url}/slack/`, logLevel: LogLevel.ERROR });
  const { ok } = await client.filesUploadV2({ channel_id: 'C1', file: Buffer.from('hello'), filename: 'a.txt' });
  expect(ok).toBe(true);
  await expectUploaded('agent');
});

test("Python slack_sdk's files_upload_v2 uploads through the gateway, although it sends no token with the file (slackapi/python-slack-sdk#1385)", async () => {
  slackFiles.received.length = 0;
  const program = `
import os
from slack_sdk import WebClient
client = WebClient(token=os.environ["TOKEN"], base_url=os.environ["URL"] + "/slack/")
print(client.files_upload_v2(channel="C1", content="hello", filename="a.txt")["ok"])
`;
  expect(await run(program)).toBe('True');
  await expectUploaded('link-pass');
});
