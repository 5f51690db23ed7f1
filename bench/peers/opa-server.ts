import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toolEnvironment } from '../../gateway/config.ts';
import { findOpa } from '../../policies/opa.ts';
import type { Opa } from '../../policies/opa.ts';
import { freePort, PEER_CORE, serve } from '../child.ts';
import type { Server } from '../child.ts';

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
 * An OPA server on the measured core with the repository's policies; it logs nothing. Asked at `/v0/data/proxy/allow`, it
 * answers 200 or 404. With `byHeaders` it answers any question 200 if the call that the headers describe is allowed, else
 * 401.
 */
export async function serveOpa(
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
