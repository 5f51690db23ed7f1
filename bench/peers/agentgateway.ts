import { freePort, PEER_CORE, run, serve, versionOf } from '../child.ts';
import { writeConfigFile } from '../config-file.ts';
import { AGENTGATEWAY } from '../peer-names.ts';
import type { Peer } from '../plan.ts';
import { residentMebibytes } from '../proc.ts';

const TEMPLATE = new URL('agentgateway.yaml', import.meta.url);

/** Judges the head of a call by a rule in CEL. It reads no body, holds nothing, and records nothing. */
export const agentgateway: Peer = {
  name: AGENTGATEWAY,
  async version() {
    if (versionOf('agentgateway', '--version') === null) return null;
    const { version } = JSON.parse(await run(PEER_CORE, 'agentgateway', ['--version'])) as { version: string };
    return `agentgateway ${version}`;
  },
  async start({ upstream, token, folder }) {
    const [port, admin, stats, readiness] = [await freePort(), await freePort(), await freePort(), await freePort()];
    const file = writeConfigFile(TEMPLATE, folder, { port, admin, stats, readiness, token, upstream });
    const base = `http://127.0.0.1:${port}/payments`;
    const ready = { url: `${base}/`, headers: { authorization: `Bearer ${token}` } };
    const { pid, stop } = await serve(PEER_CORE, 'agentgateway', ['-f', file], ready);
    return { base, pid, residents: () => [{ process: 'gateway', mebibytes: residentMebibytes(pid) }], stop };
  },
};
