import { execFile, execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findOpa, OPA_VERSION } from '../../policies/opa.ts';
import { inFolder, opa, root } from './real-opa.ts';

const PROGRAM = `#!/bin/sh\necho "Version: ${OPA_VERSION}"\n`;

const keys = mkdtempSync(join(tmpdir(), 'holdpoint-test-'));
const trusted = getCACertificates();

beforeAll(() => {
  const subject = ['-subj', '/CN=mirror', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'key.pem'];
  execFileSync('openssl', ['req', '-x509', ...key, ...subject, '-out', 'cert.pem'], { cwd: keys, stdio: 'pipe' });
  setDefaultCACertificates([...trusted, readFileSync(join(keys, 'cert.pem'), 'utf8')]);
});
afterAll(() => {
  setDefaultCACertificates(trusted);
  rmSync(keys, { recursive: true });
});

type Answer = string | Buffer | ((response: ServerResponse) => void);
type Mirror = { readonly url: string; readonly asked: string[] };

/** Runs `use` with a mirror that answers these paths below its version, and 404 for any other. */
async function withMirror<T>(
  answers: (program: string) => Readonly<Record<string, Answer>>,
  use: (mirror: Mirror) => Promise<T>,
): Promise<T> {
  const asked: string[] = [];
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    const name = request.url!.slice(`/opa/v${OPA_VERSION}/`.length);
    asked.push(request.url!);
    const answer = answers(name.replace(/\.sha256$/, ''))[name];
    if (typeof answer === 'function') answer(response);
    else response.writeHead(answer === undefined ? 404 : 200).end(answer);
  };
  const server = createServer(
    { key: readFileSync(join(keys, 'key.pem')), cert: readFileSync(join(keys, 'cert.pem')) },
    serve,
  );
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  try {
    return await use({ url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/opa/`, asked });
  } finally {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  }
}

const sha256 = (program: string | Buffer) => hash('sha256', program, 'hex');
const published = (program: string | Buffer) => (name: string) => ({
  [name]: program,
  [`${name}.sha256`]: `${sha256(program)}  ${name}\n`,
});
/** An environment without `opa` and Go. */
const bare = (mirror: Mirror) => ({ PATH: '', HOLDPOINT_OPA_URL: mirror.url });

/** Why opa is not downloaded from a mirror with these answers. Nothing may stay behind. */
function refusal(answers: (name: string) => Readonly<Record<string, Answer>>): Promise<string> {
  return withMirror(answers, (mirror) =>
    inFolder({}, async (cacheDir) => {
      const why = await findOpa({ env: bare(mirror), cacheDir }).catch(String);
      expect(await readdir(cacheDir)).toEqual([]);
      return String(why);
    }),
  );
}

it('opa is downloaded once if there is neither opa nor Go, runs, and is in the cache from then on', async () => {
  const program = await readFile(opa.path);
  await withMirror(published(program), (mirror) =>
    inFolder({ 'x.rego': 'package x\n' }, async (cacheDir) => {
      const said: string[] = [];
      const found = await findOpa({ env: bare(mirror), cacheDir, say: (text) => said.push(text), exact: true });
      expect(await found.run(['check', 'x.rego'], cacheDir)).toMatchObject({ ok: true });
      const url = `${new URL(mirror.asked[1]!, mirror.url)}`;
      expect(mirror.asked[0]).toBe(`${mirror.asked[1]}.sha256`);
      expect(said).toEqual([
        `Downloading OPA ${OPA_VERSION} from ${url}, once. HOLDPOINT_OPA_DOWNLOAD=never turns this off.`,
        `Downloaded OPA ${OPA_VERSION}; its checksum is right.`,
      ]);
      expect(await findOpa({ env: bare(mirror), cacheDir })).toMatchObject({ path: found.path });
      expect(mirror.asked).toHaveLength(2);
    }),
  );
});

it('a download that does not have the published checksum is refused and does not run', async () => {
  const changed = `${PROGRAM}# changed\n`;
  const why = await refusal((name) => ({ ...published(PROGRAM)(name), [name]: changed }));
  expect(why).toMatch(new RegExp(`SHA-256 ${sha256(changed)}, but \\S+\\.sha256 says ${sha256(PROGRAM)}`));
});

it('opa is not downloaded from a server that publishes no checksum for it', async () => {
  expect(await refusal((name) => ({ [name]: PROGRAM }))).toMatch(/\.sha256: status 404/);
  const page = await refusal((name) => ({ [name]: PROGRAM, [`${name}.sha256`]: '<html>' }));
  expect(page).toMatch(/\.sha256 is not a checksum/);
});

it('a download that breaks off leaves nothing behind and says how to get opa', async () => {
  const half = (response: ServerResponse) => {
    response.writeHead(200, { 'content-length': PROGRAM.length });
    response.write(PROGRAM.slice(0, 9), () => response.destroy());
  };
  const why = await refusal((name) => ({ ...published(PROGRAM)(name), [name]: half }));
  expect(why).toMatch(/Put `opa` on PATH or set OPA.* It could not be downloaded: https:/);
});

it('a release of another version, with its right checksum, is refused', async () => {
  expect(await refusal(published(PROGRAM.replace(OPA_VERSION, '1.9.0')))).toContain('it is version 1.9.0');
});

it('a redirect is followed to https alone', async () => {
  const plain = createHttpServer((_request, response) => response.end(PROGRAM));
  await new Promise<void>((listening) => plain.listen(0, '127.0.0.1', listening));
  const to = (location: string) => (response: ServerResponse) => response.writeHead(302, { location }).end();
  const elsewhere = `http://127.0.0.1:${(plain.address() as AddressInfo).port}/`;
  const why = await refusal((name) => ({ ...published(PROGRAM)(name), [name]: to(elsewhere) }));
  expect(why).toContain('which is not https');
  plain.close();
  await withMirror(
    (name) => ({ ...published(PROGRAM)(name), [name]: to('./moved'), moved: PROGRAM }),
    (mirror) =>
      inFolder({}, async (cacheDir) => {
        expect((await findOpa({ env: bare(mirror), cacheDir })).version).toBe(OPA_VERSION);
      }),
  );
});

it('two processes that download at once both get the program', () =>
  withMirror(published(PROGRAM), (mirror) =>
    inFolder({}, async (cacheDir) => {
      const script = `import { findOpa } from './policies/opa.ts';
        console.log((await findOpa({ env: process.env, cacheDir: ${JSON.stringify(cacheDir)} })).path);`;
      const start = () =>
        promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
          cwd: root,
          env: { ...bare(mirror), NODE_EXTRA_CA_CERTS: join(keys, 'cert.pem') },
        });
      const path = join(cacheDir, `opa-${OPA_VERSION}`, 'opa');
      const [first, second] = await Promise.all([start(), start()]);
      expect([first.stdout.trim(), second.stdout.trim()]).toEqual([path, path]);
      expect(await readdir(cacheDir)).toEqual([`opa-${OPA_VERSION}`]);
    }),
  ));

it('HOLDPOINT_OPA_DOWNLOAD=never turns the download off', () =>
  withMirror(published(PROGRAM), (mirror) =>
    inFolder({}, async (cacheDir) => {
      const env = { ...bare(mirror), HOLDPOINT_OPA_DOWNLOAD: 'never' };
      await expect(findOpa({ env, cacheDir })).rejects.toThrow(/Put `opa` on PATH or set OPA/);
      expect(mirror.asked).toEqual([]);
    }),
  ));

it('a bad value of HOLDPOINT_OPA_URL or HOLDPOINT_OPA_DOWNLOAD is reported', () =>
  inFolder({}, async (cacheDir) => {
    const find = (env: Record<string, string>) => findOpa({ env: { PATH: '', ...env }, cacheDir });
    await expect(find({ HOLDPOINT_OPA_URL: 'http://mirror.example.com' })).rejects.toThrow(
      `HOLDPOINT_OPA_URL=http://mirror.example.com: expected an https URL that has v${OPA_VERSION}/ below it`,
    );
    await expect(find({ HOLDPOINT_OPA_DOWNLOAD: 'no' })).rejects.toThrow(
      'HOLDPOINT_OPA_DOWNLOAD=no: expected auto or never',
    );
  }));
