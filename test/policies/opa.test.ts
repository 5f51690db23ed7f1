import { chmod, copyFile, readdir, symlink } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { findOpa, OPA_VERSION } from '../../policies/opa.ts';
import { inFolder, opa, save } from './real-opa.ts';

/** A program that answers as another version would. */
const answering = (version: string) => `#!/bin/sh\necho "Version: ${version}"\n`;

async function program(dir: string, path: string, text: string): Promise<string> {
  await save(dir, { [path]: text });
  await chmod(join(dir, path), 0o755);
  return join(dir, path);
}

const OFFLINE = { HOLDPOINT_OPA_DOWNLOAD: 'never' };

it('the program that $OPA names comes before any other', () =>
  inFolder({}, async (dir) => {
    const named = await program(dir, 'named/opa-1.9', answering('1.9.0'));
    const env = { OPA: named, PATH: dirname(opa.path) };
    expect(await findOpa({ env, cacheDir: dir })).toMatchObject({ path: named, version: '1.9.0' });
  }));

it('the program on PATH is found and runs', () =>
  inFolder({ 'x.rego': 'package x\n' }, async (dir) => {
    const found = await findOpa({ env: { PATH: `/nowhere${delimiter}${dirname(opa.path)}` }, cacheDir: dir });
    expect(found).toMatchObject({ path: opa.path, version: OPA_VERSION });
    expect(await found.run(['check', 'x.rego'], dir)).toMatchObject({ ok: true });
    expect(await found.run(['check', 'y.rego'], dir)).toMatchObject({ ok: false });
  }));

it('a problem with the program that $OPA names is reported', () =>
  inFolder({}, async (dir) => {
    const old = await program(dir, 'opa', answering('0.70.0'));
    await expect(findOpa({ env: { OPA: old }, cacheDir: dir })).rejects.toThrow(
      `OPA=${old} is version 0.70.0; version 1.0 or later is needed`,
    );
    await expect(findOpa({ env: { OPA: '/nowhere/opa' }, cacheDir: dir })).rejects.toThrow(
      'OPA=/nowhere/opa is no program',
    );
  }));

it('the error says how to get opa if there is neither opa nor Go', () =>
  inFolder({}, async (dir) => {
    await expect(findOpa({ env: { PATH: dir, ...OFFLINE }, cacheDir: dir })).rejects.toThrow(
      /Put `opa` on PATH or set OPA/,
    );
  }));

it('opa is built with Go if there is none, with a message, and is in the cache from then on', () =>
  inFolder({}, async (dir) => {
    // Stands in for Go: puts the program where `go install` would.
    await program(
      dir,
      'bin/go',
      `#!/bin/sh\n[ "$2" = "github.com/open-policy-agent/opa@v${OPA_VERSION}" ] && exec /bin/cp "$REAL" "$GOBIN/opa"\n`,
    );
    const said: string[] = [];
    const options = {
      env: { PATH: join(dir, 'bin'), REAL: opa.path },
      cacheDir: join(dir, 'cache'),
      say: (text: string) => said.push(text),
    };
    const [first, second] = await Promise.all([findOpa(options), findOpa(options)]);
    expect(first.version).toBe(OPA_VERSION);
    expect(second.path).toBe(first.path);
    expect(said).toContain(`Building OPA ${OPA_VERSION} with Go; this takes about two minutes, once.`);
    expect(await readdir(join(dir, 'cache'))).toEqual([`opa-${OPA_VERSION}`]);
    expect(await findOpa({ ...options, env: {} })).toMatchObject({ path: first.path });
  }));

it('a failed build leaves nothing behind and says why', () =>
  inFolder({}, async (dir) => {
    await program(dir, 'bin/go', '#!/bin/sh\necho "no network" >&2\nexit 1\n');
    const options = { env: { PATH: join(dir, 'bin'), ...OFFLINE }, cacheDir: join(dir, 'cache') };
    await expect(findOpa(options)).rejects.toThrow(`OPA ${OPA_VERSION} could not be built with Go: no network`);
    expect(await readdir(join(dir, 'cache'))).toEqual([]);
  }));

it('another version is skipped if the exact one is required', () =>
  inFolder({}, async (dir) => {
    await program(dir, 'bin/opa', answering('1.9.0'));
    const options = { env: { PATH: join(dir, 'bin'), ...OFFLINE }, cacheDir: join(dir, 'cache') };
    expect((await findOpa(options)).version).toBe('1.9.0');
    await expect(findOpa({ ...options, exact: true })).rejects.toThrow('the one on PATH is 1.9.0');
    await save(dir, { [`cache/opa-${OPA_VERSION}/.keep`]: '' });
    await copyFile(opa.path, join(dir, `cache/opa-${OPA_VERSION}/opa`));
    expect((await findOpa({ ...options, exact: true })).version).toBe(OPA_VERSION);
  }));

it('a link to the program is followed', () =>
  inFolder({}, async (dir) => {
    await symlink(opa.path, join(dir, 'opa'));
    expect((await findOpa({ env: { PATH: dir }, cacheDir: dir })).path).toBe(join(dir, 'opa'));
  }));
