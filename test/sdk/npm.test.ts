import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDataPlane, TOKEN, type DataPlane } from '../helpers/data-plane.ts';
import { tempFolder } from '../helpers/folder.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';

const RULES = `package rules.npm

allow contains {"rule": "packages"} if input.action.segments == ["@babel/core"]
`;

const cache = tempFolder();
let registry: Upstream;
let plane: DataPlane;

beforeAll(async () => {
  registry = await startUpstream((_received, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const versions = { '1.2.3': { name: '@babel/core', version: '1.2.3' } };
    response.end(JSON.stringify({ name: '@babel/core', 'dist-tags': { latest: '1.2.3' }, versions }));
  });
  plane = await startDataPlane({
    systems: { npm: { upstream: registry.url, path: { encoded_slash: 'data' } } },
    rego: { 'npm.rego': RULES },
  });
});

afterAll(async () => {
  await plane?.close();
  await registry?.close();
  cache.remove();
});

test('npm reads a scoped package, for which pacote sends @babel%2fcore', async () => {
  const at = `${plane.url}/npm/`;
  const key = `--${at.slice('http:'.length)}:_authToken=${TOKEN}`;
  const view = ['view', '@babel/core', 'version', '--registry', at, key, '--cache', cache.path];
  const { stdout } = await promisify(execFile)('npm', view);
  expect(stdout.trim()).toBe('1.2.3');
  expect(registry.received.map(({ url }) => url)).toEqual(['/@babel%2fcore']);
});
