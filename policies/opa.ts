import { execFile } from 'node:child_process';
import { access, constants, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { constants as system, setPriority } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { downloadRelease, releaseUrl } from './opa-release.ts';

/** The version that compiles the shipped policies, and that is built or downloaded if no other is found. */
export const OPA_VERSION = '1.22.0';

// `policies/capabilities.json` describes Rego v1.
const OLDEST_MAJOR = 1;
const MODULE = `github.com/open-policy-agent/opa@v${OPA_VERSION}`;
const PROGRAM = process.platform === 'win32' ? 'opa.exe' : 'opa';
/** Go collects no garbage below this size of a process: most runs end before, and take a tenth less CPU. */
const MEMORY = { GOGC: 'off', GOMEMLIMIT: '1GiB' };
const OUTPUT_LIMIT = 64 * 2 ** 20;

export type OpaResult = { readonly ok: boolean; readonly stdout: string; readonly stderr: string };

/** The `opa` program: OPA's compiler, type checker and test runner. Only authoring needs it; decisions do not. */
export type Opa = {
  readonly path: string;
  readonly version: string;
  /** Runs it in a folder. A failing run is a result. @throws Error only when it cannot be started at all */
  run(args: readonly string[], cwd: string): Promise<OpaResult>;
};

export type FindOpaOptions = {
  /** The environment, for `OPA`, `PATH`, `HOLDPOINT_OPA_URL` and `HOLDPOINT_OPA_DOWNLOAD`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder for a program that was built or downloaded. */
  readonly cacheDir: string;
  /** Called before steps that take long. */
  readonly say?: (message: string) => void;
  /** Accepts only `OPA_VERSION`, because only the same version gives the same bytes. */
  readonly exact?: boolean;
};

/**
 * Finds `opa`: at `$OPA`, on `PATH`, in the cache, or else by building it once with Go, which takes about two minutes,
 * or by downloading the official release. Version 1.0 or later will do, unless `exact`.
 *
 * @throws Error that says how to get `opa`, if there is none
 */
export async function findOpa({ env, cacheDir, say = () => {}, exact = false }: FindOpaOptions): Promise<Opa> {
  const accepts = ({ version }: Opa) => (exact ? version === OPA_VERSION : isRecent(version));

  if (env['OPA']) {
    const named = await probe(env['OPA'], env);
    if (!named) throw new Error(`OPA=${env['OPA']} is no program that answers to \`opa version\``);
    if (accepts(named)) return named;
    // A version named in $OPA is used or refused. Only for `exact` is the search continued, since the user asked for no
    // version.
    if (!exact) throw new Error(`OPA=${named.path} is version ${named.version}; version 1.0 or later is needed`);
  }
  const installed = await onPath(PROGRAM, env);
  const found = installed === null ? null : await probe(installed, env);
  if (found && accepts(found)) return found;

  const cached = await probe(join(cacheDir, `opa-${OPA_VERSION}`, PROGRAM), env);
  if (cached && accepts(cached)) return cached;

  const unfit = found ? ` (the one on PATH is ${found.version})` : '';
  const missing =
    `OPA ${exact ? OPA_VERSION : '1.0 or later'} is needed to compile policies${unfit}. Put \`opa\` on PATH or set OPA to ` +
    `where it is (https://www.openpolicyagent.org/docs/#running-opa), or install Go and it is built from source.`;
  const release = releaseUrl(OPA_VERSION, env);

  const go = await onPath(process.platform === 'win32' ? 'go.exe' : 'go', env);
  if (go) {
    try {
      return await build(go, env, cacheDir, say);
    } catch (error) {
      if (release === null) throw error;
      say((error as Error).message);
    }
  }
  if (release === null) throw new Error(missing);
  return download(release, env, cacheDir, say).catch((cause: unknown) => {
    throw new Error(`${missing} It could not be downloaded: ${(cause as Error).message}`, { cause });
  });
}

async function build(
  go: string,
  env: FindOpaOptions['env'],
  cacheDir: string,
  say: (message: string) => void,
): Promise<Opa> {
  say(`Building OPA ${OPA_VERSION} with Go; this takes about two minutes, once.`);
  try {
    const built = await install(env, cacheDir, async (folder) => {
      await promisify(execFile)(go, ['install', MODULE], {
        env: { ...env, GOBIN: folder, CGO_ENABLED: '0' },
        maxBuffer: OUTPUT_LIMIT,
      });
    });
    say(`Built OPA ${built.version}.`);
    return built;
  } catch (cause) {
    const { stderr = '' } = cause as { stderr?: string };
    const why = stderr.trim().split('\n').at(-1) || String(cause);
    throw new Error(`OPA ${OPA_VERSION} could not be built with Go: ${why}`, { cause });
  }
}

async function download(
  release: URL,
  env: FindOpaOptions['env'],
  cacheDir: string,
  say: (message: string) => void,
): Promise<Opa> {
  say(`Downloading OPA ${OPA_VERSION} from ${release}, once. HOLDPOINT_OPA_DOWNLOAD=never turns this off.`);
  const downloaded = await install(env, cacheDir, (folder) => downloadRelease(release, join(folder, PROGRAM)));
  say(`Downloaded OPA ${downloaded.version}; its checksum is right.`);
  return downloaded;
}

/** Puts the program that `make` leaves in a folder into the cache. */
async function install(
  env: FindOpaOptions['env'],
  cacheDir: string,
  make: (folder: string) => Promise<void>,
): Promise<Opa> {
  await mkdir(cacheDir, { recursive: true });
  // Made in a folder of its own, so that two processes at once never find half a program.
  const aside = await mkdtemp(join(cacheDir, 'making-'));
  try {
    await make(aside);
    const made = await probe(join(aside, PROGRAM), env);
    if (made?.version !== OPA_VERSION) throw new Error(made ? `it is version ${made.version}` : 'it does not run');
    const home = join(cacheDir, `opa-${OPA_VERSION}`);
    const blocked: unknown = await rename(aside, home).catch((cause: unknown) => cause);
    // Another process may have been first.
    const installed = await probe(join(home, PROGRAM), env);
    if (!installed) throw blocked ?? new Error('it does not run');
    return installed;
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

/** The program at this path, if it is an OPA that runs. */
async function probe(path: string, given: FindOpaOptions['env']): Promise<Opa | null> {
  const env = { ...MEMORY, ...given };
  const run: Opa['run'] = (args, cwd) =>
    new Promise((resolve, reject) => {
      const child = execFile(path, [...args], { cwd, env, maxBuffer: OUTPUT_LIMIT }, (error, stdout, stderr) => {
        // A number is the program's own exit code; anything else means that it did not finish.
        if (error && typeof error.code !== 'number') reject(error);
        else resolve({ ok: error === null, stdout, stderr });
      });
      // Calls go first: a gateway compiles several times at once, on the cores that answer them.
      if (child.pid !== undefined) setPriority(child.pid, system.priority.PRIORITY_BELOW_NORMAL);
    });
  try {
    await access(path, constants.X_OK);
    const { stdout } = await run(['version'], '.');
    const version = /^Version: (\d+\.\d+\.\d+\S*)/m.exec(stdout)?.[1];
    return version === undefined ? null : { path, version, run };
  } catch {
    return null;
  }
}

function isRecent(version: string): boolean {
  return Number(version.split('.')[0]) >= OLDEST_MAJOR;
}

async function onPath(program: string, env: FindOpaOptions['env']): Promise<string | null> {
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    // An empty entry means the current folder; running a program from there would be an accident.
    if (folder === '') continue;
    const path = join(folder, program);
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {
      continue;
    }
  }
  return null;
}
