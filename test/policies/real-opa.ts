import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { toolEnvironment } from '../../gateway/config/config.ts';
import { type Bundle, bundleRevision, READS_ANYTHING } from '../../gateway/domain/bundle.ts';
import { testOpa } from '../helpers/policy.ts';

export const root = join(import.meta.dirname, '../..');
export const { env, cacheDir } = toolEnvironment();

/** The version that the committed bundle was compiled with; built once where it is not installed. */
export const opa = await testOpa();

export type Files = Readonly<Record<string, string>>;

/** Runs `use` in a temporary folder with these files. */
export async function inFolder<T>(files: Files, use: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'holdpoint-test-'));
  try {
    await save(dir, files);
    return await use(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

export async function save(dir: string, files: Files): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
}

/** Compiles these files without anything of Holdpoint's: no checks, no decision, any built-in. */
export function compiledBare(files: Files, entrypoints: readonly string[]): Promise<Bundle> {
  return inFolder(files, async (dir) => {
    const args = ['build', '--target=wasm', '--bundle', ...entrypoints.flatMap((each) => ['-e', each]), '.'];
    const { ok, stderr } = await opa.run(args, dir);
    if (!ok) throw new Error(stderr);
    await promisify(execFile)('tar', ['xzf', 'bundle.tar.gz'], { cwd: dir });
    const wasm = new Uint8Array(await readFile(join(dir, 'policy.wasm')));
    const data = await readFile(join(dir, 'data.json'), 'utf8');
    const contents = { wasm, data, reads: READS_ANYTHING, rules: [] };
    return {
      ...contents,
      revision: bundleRevision(contents),
      sources: '',
      opa: opa.version,
      readsUsage: false,
    };
  });
}

export type CallInput = { system?: string; method?: string; path?: string; body?: unknown; context?: object };

/** A policy input as the gateway writes it. */
export function inputOf({
  system = 'crm',
  method = 'POST',
  path = '/v1/things',
  body,
  context,
}: CallInput = {}): string {
  return JSON.stringify({
    principal: { agent: 'bot', owner: 'ana@example.com', roles: [], on_behalf_of: [], session: null },
    action: {
      system,
      operation: `${method} ${path}`,
      method,
      path,
      segments: path.split('/').filter(Boolean),
      query: {},
      headers: {},
      protocol: 'http',
      body_bytes: body === undefined ? 0 : JSON.stringify(body).length,
      body,
    },
    resource: { type: 'things', id: null },
    context: { time: '2026-11-21T03:40:00.000Z', ip: '127.0.0.1', flags: [], claims: {}, ...context },
  });
}
