import { execFile } from 'node:child_process';
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TOKEN } from '../../helpers/data-plane.ts';
import { writeFiles } from '../../helpers/folder.ts';
import { Answer, KEY, REASON } from '../presets.ts';
import { startPreset, type Preset } from './preset.ts';

/** Packages by folder. Policy looks at their descriptions. */
const PACKAGES = {
  tool: { name: '@acme/tool', version: '1.0.0', description: 'A tool' },
  next: { name: '@acme/tool', version: '2.0.0', description: 'A tool' },
  large: { name: '@acme/tool', version: '3.0.0', description: 'A large tool' },
  secret: { name: '@acme/tool', version: '4.0.0', description: 'A secret tool' },
  again: { name: '@acme/tool', version: '5.0.0', description: 'Another large tool' },
  user: { name: 'user', version: '1.0.0' },
};
const folder = writeFiles(
  Object.fromEntries(Object.entries(PACKAGES).map(([at, of]) => [`${at}/package.json`, JSON.stringify(of)])),
);
const at = (name: string) => join(folder.path, name);

let system: Preset;
let tarball: Buffer;

/** Runs npm as its users do: registry and token, and the cache of this test. @throws with what it printed */
async function npm(directory: string, ...command: string[]): Promise<string> {
  const registry = `${system.url}/`;
  const options = [
    ['--registry', registry],
    [`--${registry.slice('http:'.length)}:_authToken=${TOKEN}`],
    ['--cache', at('cache')],
    ['--fetch-retries=20', '--fetch-retry-mintimeout=100', '--fetch-retry-maxtimeout=100'],
    ['--audit', '--no-update-notifier', '--no-fund'],
    ['--userconfig', at('npmrc')],
  ].flat();
  // Without the settings of the npm that runs the tests.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));
  const { stdout } = await promisify(execFile)('npm', [...options, ...command], { cwd: at(directory), env });
  return stdout.trim();
}

beforeAll(async () => {
  system = await startPreset('npm', ({ method, url, body }, own) => {
    switch (`${method} ${url}`) {
      case 'GET /@acme%2ftool': {
        const dist = {
          tarball: `${own}/@acme/tool/-/tool-1.0.0.tgz`,
          integrity: `sha512-${hash('sha512', tarball, 'base64')}`,
        };
        return { name: '@acme/tool', 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': version(dist) } };
      }
      case 'GET /@acme/tool/-/tool-1.0.0.tgz':
        return new Answer(200, { 'content-type': 'application/octet-stream' }, tarball);
      case 'POST /-/npm/v1/security/advisories/bulk':
        return {};
      case 'PUT /@acme%2ftool':
        return new Answer(201, {}, { ok: true, id: JSON.parse(body.toString()).name });
      default:
        return new Answer(404, {}, { error: 'Not found' });
    }
  });
  await promisify(execFile)('npm', ['pack', '--pack-destination', folder.path], { cwd: at('tool') });
  tarball = readFileSync(at('acme-tool-1.0.0.tgz'));
});

afterAll(async () => {
  await system?.close();
  folder.remove();
});

const version = (dist: object) => ({ name: '@acme/tool', version: '1.0.0', dist });

test('npm reads a package, and installs it from the URL that the registry names, through the gateway', async () => {
  expect(await npm('user', 'view', '@acme/tool', 'version')).toBe('1.0.0');
  expect(await npm('user', 'view', '@acme/tool', 'dist.tarball')).toBe(`${system.url}/@acme/tool/-/tool-1.0.0.tgz`);
  await npm('user', 'install', '@acme/tool');
  expect(readFileSync(at('user/node_modules/@acme/tool/package.json'), 'utf8')).toContain('A tool');
  expect(await system.operations()).toContain('GET /@acme/tool/-/tool-1.0.0.tgz');
  expect(system.reached()).toContain('POST /-/npm/v1/security/advisories/bulk');
  expect(system.headers().authorization).toBe(`Bearer ${KEY}`);
  system.expectNoToken();
});

test('npm publishes a package', async () => {
  expect(await npm('next', 'publish', '--access', 'public')).toContain('@acme/tool@2.0.0');
  expect(system.reached()).toContain('PUT /@acme%2ftool');
});

test('npm prints why a package is not published', async () => {
  await expect(npm('secret', 'publish', '--access', 'public')).rejects.toMatchObject({
    stderr: expect.stringContaining(REASON),
  });
});

test('npm retries a held package until it is approved, and it is published once', async () => {
  expect(await system.approved(() => npm('large', 'publish', '--access', 'public'))).toContain('@acme/tool@3.0.0');
});

test('npm that is run once more finds the hold of the first run', async () => {
  const runs: string[] = [];
  const publish = async (): Promise<readonly string[]> => {
    const run = npm('again', 'publish', '--access', 'public', '--fetch-retries=0');
    runs.push(await run.catch(({ stderr }: { stderr: string }) => stderr));
    return runs.at(-1)!.includes('E503') ? publish() : runs;
  };
  await system.approved(publish);
  expect(runs.at(-1)).toContain('@acme/tool@5.0.0');
  expect(runs.length).toBeGreaterThan(1);
});
