import { hash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';

/** Where OPA publishes its releases: a folder for each version, with a checksum next to each program. */
const RELEASES = 'https://github.com/open-policy-agent/opa/releases/download';

/** The program of a release for each platform. A static one needs no C library. */
const PROGRAMS: Readonly<Record<string, string>> = {
  'linux-x64': 'opa_linux_amd64_static',
  'linux-arm64': 'opa_linux_arm64_static',
  'darwin-x64': 'opa_darwin_amd64',
  'darwin-arm64': 'opa_darwin_arm64_static',
  'win32-x64': 'opa_windows_amd64.exe',
};

/**
 * The URL of a release for this platform, at the mirror `HOLDPOINT_OPA_URL` if there is one. Null when
 * `HOLDPOINT_OPA_DOWNLOAD` is `never`, or the release has no program for this platform.
 * @throws Error when a variable has a bad value
 */
export function releaseUrl(version: string, env: Readonly<Record<string, string | undefined>>): URL | null {
  const download = env['HOLDPOINT_OPA_DOWNLOAD'] || 'auto';
  if (download === 'never') return null;
  if (download !== 'auto') throw new Error(`HOLDPOINT_OPA_DOWNLOAD=${download}: expected auto or never`);
  const mirror = env['HOLDPOINT_OPA_URL'] || RELEASES;
  const base = `${mirror.replace(/\/+$/, '')}/`;
  // The checksum comes from the same server, so only TLS tells who it is from.
  if (!URL.canParse(base) || !isSecure(base))
    throw new Error(`HOLDPOINT_OPA_URL=${mirror}: expected an https URL that has v${version}/ below it`);
  const program = PROGRAMS[`${process.platform}-${process.arch}`];
  return program === undefined ? null : new URL(`v${version}/${program}`, base);
}

/**
 * Downloads a program to `path`, executable, if it has the checksum that is published next to it.
 * @throws Error that says why not; then there is no file
 */
export async function downloadRelease(url: URL, path: string): Promise<void> {
  const published = `${url}.sha256`;
  const expected = /^[0-9a-f]{64}(?=\s|$)/i.exec((await fetched(published)).toString('latin1'))?.[0].toLowerCase();
  if (expected === undefined) throw new Error(`${published} is not a checksum`);
  const program = await fetched(url.href);
  const actual = hash('sha256', program, 'hex');
  if (actual !== expected) throw new Error(`${url} has the SHA-256 ${actual}, but ${published} says ${expected}`);
  await writeFile(path, program, { mode: 0o755 });
}

async function fetched(url: string): Promise<Buffer> {
  try {
    const answer = await fetch(url);
    if (!isSecure(answer.url)) throw new Error(`it redirects to ${answer.url}, which is not https`);
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    return Buffer.from(await answer.arrayBuffer());
  } catch (error) {
    const { message, cause } = error as Error;
    throw new Error(`${url}: ${cause instanceof Error ? cause.message : message}`, { cause: error });
  }
}

function isSecure(url: string): boolean {
  return new URL(url).protocol === 'https:';
}
