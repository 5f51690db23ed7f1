import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toolEnvironment } from '../../gateway/config/config.ts';
import { findOpa } from '../../policies/opa.ts';
import type { Opa } from '../../policies/opa.ts';
import { freePort, PEER_CORE, serve } from '../child.ts';
import type { Server } from '../child.ts';
import type { RunningPeer, Setting } from '../plan.ts';
import { residentMebibytes } from '../proc.ts';

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const POLICIES = ['../../policies/holdpoint', '../../policies/rules', 'opa/allow.rego'].map(file);
const BY_HEADERS = ['--authorization=basic', file('opa/authz.rego')];

let found: Promise<Opa | null> | null = null;

/** The `opa` that also compiles policies, or null when there is none. */
function opa(): Promise<Opa | null> {
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  return (found ??= findOpa({ ...toolEnvironment(), say }).catch(() => null));
}

export async function opaVersion(): Promise<string | null> {
  const version = (await opa())?.version;
  return version ? `OPA ${version}` : null;
}

/**
 * A proxy that asks an OPA server before each call, both on the measured core. Both end together, also when the proxy does
 * not start.
 * @param start is told where OPA listens, where the proxy is to listen, and what tells that it is ready
 */
export async function startBesideOpa(
  { folder, token }: Setting,
  { name, byHeaders }: { readonly name: string; readonly byHeaders: boolean },
  start: (opa: string, port: number, ready: Parameters<typeof serve>[3]) => Promise<Server>,
): Promise<RunningPeer> {
  const opa = await serveOpa(folder, token, { byHeaders });
  try {
    const port = await freePort();
    const base = `http://127.0.0.1:${port}/payments`;
    const ready = { url: `${base}/v1/customers`, headers: { authorization: `Bearer ${token}` } };
    const proxy = await start(opa.address, port, ready);
    return {
      base,
      pid: proxy.pid,
      helpers: [opa.pid],
      residents: () => [
        { process: name, mebibytes: residentMebibytes(proxy.pid) },
        { process: 'opa', mebibytes: residentMebibytes(opa.pid) },
      ],
      stop: async () => void (await Promise.all([proxy.stop(), opa.stop()])),
    };
  } catch (reason) {
    await opa.stop();
    throw reason;
  }
}

/**
 * An OPA server on the measured core with the repository's policies; it logs nothing. Asked at `/v0/data/proxy/allow`, it
 * answers 200 or 404. With `byHeaders` it answers any question 200 if the call that the headers describe is allowed, else
 * 401.
 */
async function serveOpa(
  folder: string,
  token: string,
  { byHeaders }: { readonly byHeaders: boolean },
): Promise<Server & { readonly address: string }> {
  const agents = join(folder, 'agents.json');
  const agent = { agent: 'bench', owner: 'bench@example.com', roles: ['payer'], on_behalf_of: [], session: null };
  const authorization = `Bearer ${token}`;
  writeFileSync(agents, JSON.stringify({ agents: { [authorization]: agent } }));
  const address = `127.0.0.1:${await freePort()}`;
  const options = ['--log-level=error', '--skip-version-check', '--ignore=*_test.rego'];
  const server = await serve(
    PEER_CORE,
    (await opa())!.path,
    ['run', '--server', `--addr=${address}`, ...options, ...POLICIES, ...(byHeaders ? BY_HEADERS : []), agents],
    {
      url: `http://${address}/health`,
      headers: { authorization, 'x-forwarded-method': 'GET', 'x-forwarded-uri': '/payments/v1/customers' },
    },
  );
  return { ...server, address };
}
