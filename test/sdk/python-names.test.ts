import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDataPlane, TOKEN, type DataPlane } from '../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';
import { pythonWithSdks } from './python/sdks.ts';

const RULES = (system: string, segments: string) => `package rules.${system}

allow contains {"rule": "known"} if input.action.segments in ${segments}
`;

const PROJECT = ['api', 'v4', 'projects', 'group/shop'];
const FILE = ['api', 'v4', 'projects', '7', 'repository', 'files', 'lib/class.rb'];

let upstream: Upstream;
let plane: DataPlane;
let python: string;

beforeAll(async () => {
  upstream = await startUpstream(({ url }, response) => {
    const answer = url.startsWith('/api')
      ? { id: 7, file_path: 'lib/class.rb', content: 'cHV0cyAx', encoding: 'base64' }
      : { hits: { total: { value: 3 }, hits: [] } };
    response.writeHead(200, { 'content-type': 'application/json', 'x-elastic-product': 'Elasticsearch' });
    response.end(JSON.stringify(answer));
  });
  const path = { encoded_slash: 'data' };
  [plane, python] = await Promise.all([
    startDataPlane({
      systems: {
        gitlab: { upstream: upstream.url, path, agent_credential: { header: 'private-token' } },
        search: { upstream: upstream.url, path },
      },
      rego: {
        'gitlab.rego': RULES('gitlab', JSON.stringify([PROJECT, FILE])),
        'search.rego': RULES('search', JSON.stringify([['<logs-{now/d}>', '_search']])),
      },
    }),
    pythonWithSdks(),
  ]);
}, 300_000);

afterAll(async () => {
  await plane?.close();
  await upstream?.close();
});

async function run(program: string): Promise<string> {
  const { stdout } = await promisify(execFile)(python, ['-c', program], { env: { URL: plane.url, TOKEN } });
  return stdout.trim();
}

test('python-gitlab reads a file of a project by their paths (gitlab-org/gitlab#214349, python-gitlab#913)', async () => {
  const program = `
import gitlab, os
project = gitlab.Gitlab(os.environ["URL"] + "/gitlab", private_token=os.environ["TOKEN"]).projects.get("group/shop")
print(project.id, project.files.get("lib/class.rb", ref="main").decode().decode())
`;
  expect(await run(program)).toBe('7 puts 1');
});

test('elasticsearch-py searches a date math index (elastic/elasticsearch#21181)', async () => {
  const program = `
import elasticsearch, os
client = elasticsearch.Elasticsearch(os.environ["URL"] + "/search", bearer_auth=os.environ["TOKEN"])
print(client.search(index="<logs-{now/d}>")["hits"]["total"]["value"])
`;
  expect(await run(program)).toBe('3');
});
