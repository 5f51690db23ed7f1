import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request, type IncomingHttpHeaders } from 'node:http';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { connectClickHouse } from '../../audit/clickhouse/clickhouse.ts';
import { startEmbedded } from '../../audit/clickhouse/start-embedded.ts';
import { hashToken } from '../../gateway/identify/token.ts';
import { tempFolder } from './folder.ts';

const MAIN = join(import.meta.dirname, '../../gateway/main.ts');
const SHIPPED_POLICIES = join(import.meta.dirname, '../../policies');
const PATIENCE = 90_000;

export const TOKEN = 'hp_agent-token-of-the-tests';
export const REVIEWER_TOKEN = 'hp_reviewer-token-of-the-tests';
/** The gateway's credential for the system. No other party may ever see it. */
export const CREDENTIAL = 'Bearer credential-of-the-system';

/** Calls that the shipped policy for `github` allows, holds and blocks. `name` makes each path unique. */
export const allowed = (name: string) => ({
  method: 'POST',
  path: `/github/repos/acme/${name}/issues`,
  body: '{"a":1}',
});
export const held = (name: string) => ({ method: 'PUT', path: `/github/repos/acme/${name}/pulls/7/merge`, body: '{}' });
export const blocked = (name: string) => ({ method: 'DELETE', path: `/github/repos/acme/${name}` });

export type LogLine = {
  readonly process: string;
  readonly msg: string;
  readonly level: string;
  [field: string]: unknown;
};

export type Answer = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  json<Body = unknown>(): Body;
};

export type HoldSummary = { readonly hold_id: string; readonly action: { readonly path: string } };

export type Sent = {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

/** A folder with a configuration and a `data` folder, on which gateways can be started one after another. */
export type Place = {
  readonly path: string;
  readonly config: string;
  readonly data: string;
  /**
   * Starts `node gateway/main.ts start` and waits until it is ready. @throws Error with what it printed when it ends
   * instead
   */
  start(): Promise<RunningGateway>;
  /** Rows from the embedded ClickHouse of a stopped gateway. */
  query<Row>(sql: string): Promise<Row[]>;
  /** Kills all running processes, and deletes the folder. */
  remove(): Promise<void>;
};

export type RunningGateway = {
  readonly url: string;
  readonly adminUrl: string;
  readonly pid: number;
  readonly child: ChildProcess;
  /** From the command to the line `ready`, in milliseconds. */
  readonly startMs: number;
  /** All log lines, parsed. */
  readonly log: readonly LogLine[];
  /** All output on stdout and stderr. */
  output(): string;
  /** Resolves with the first past or future line that matches. */
  logged(fits: (line: LogLine) => boolean): Promise<LogLine>;
  pids(): Promise<{ workers: number[]; control: number | null; clickhouse: number | null }>;
  /** One call as the agent, on a new connection unless an `agent` is given. */
  call(sent: Sent, agent?: Agent): Promise<Answer>;
  /** One request as the reviewer. */
  admin(sent: Sent): Promise<Answer>;
  /** The undecided holds. */
  pending(): Promise<HoldSummary[]>;
  /** Resolves with the id of the undecided hold of the call with this name. */
  holdOf(name: string): Promise<string>;
  /** Approves a hold at its current revision, as the reviewer or as the person with the given token. */
  approve(holdId: string, token?: string): Promise<Answer>;
  /** The value of a metric, added up over its labels. */
  metric(name: string, labels?: string): Promise<number>;
  /** Resolves when ClickHouse has every event that is on disk. */
  caughtUp(): Promise<void>;
  /** SIGTERM; resolves when the process has ended. */
  stop(): Promise<{ code: number | null; signal: string | null; ms: number }>;
  /** kill -9 of all processes at once; resolves when the supervisor is gone. The others may need a moment longer. */
  killTree(): Promise<void>;
};

/**
 * Makes a place. `config` is merged over a working configuration with one system, `github`, at `upstream`. Ports are
 * chosen here: with port 0, a process that is started again would listen elsewhere.
 */
export async function createPlace(upstream: string, config: object = {}): Promise<Place> {
  const folder = tempFolder();
  const file = join(folder.path, 'holdpoint.yaml');
  const data = join(folder.path, 'data');
  // JSON is YAML.
  const text = JSON.stringify({
    listen: { agents: `127.0.0.1:${await freePort()}`, admin: `127.0.0.1:${await freePort()}` },
    node: 'test',
    data: './data',
    policies: SHIPPED_POLICIES,
    workers: 2,
    systems: { github: { upstream, credential: { header: 'authorization', value: CREDENTIAL } } },
    agents: [{ id: 'merge-bot', owner: 'ana@example.com', token_sha256: hashToken(TOKEN), systems: ['github'] }],
    reviewers: [{ id: 'ben@example.com', token_sha256: hashToken(REVIEWER_TOKEN), groups: ['maintainers'] }],
    ...config,
  });
  writeFileSync(file, text);
  const started: ChildProcess[] = [];

  return {
    path: folder.path,
    config: file,
    data,
    async start() {
      const gateway = launch(file);
      started.push(gateway.child);
      return await gateway.ready;
    },
    query: (sql) => queryStopped(join(data, 'clickhouse'), sql),
    async remove() {
      for (const { pid } of started) await killGroup(pid);
      folder.remove();
    },
  };
}

/** Runs one command of `gateway/main.ts` until it ends. */
export async function runMain(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { timeout: PATIENCE }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    );
  });
}

/** Starts a gateway without waiting. `ready` rejects with the output if the gateway ends instead. */
export function launch(config: string): { readonly child: ChildProcess; readonly ready: Promise<RunningGateway> } {
  const since = performance.now();
  // A process group of its own, so that exactly this tree can be killed.
  const child = spawn(process.execPath, [MAIN, 'start', '--config', config], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const pid = child.pid!;
  const log: LogLine[] = [];
  const watching = new Set<(line: LogLine) => void>();
  let output = '';
  let unfinished = '';
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
    const lines = (unfinished + chunk).split('\n');
    unfinished = lines.pop()!;
    for (const text of lines.filter(Boolean)) {
      const line = JSON.parse(text) as LogLine;
      log.push(line);
      for (const watch of watching) watch(line);
    }
  });
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });

  function logged(fits: (line: LogLine) => boolean): Promise<LogLine> {
    const known = log.find(fits);
    if (known) return Promise.resolve(known);
    return new Promise((resolve, reject) => {
      const settle = (then: () => void) => {
        clearTimeout(late);
        watching.delete(watch);
        then();
      };
      const watch = (line: LogLine) => fits(line) && settle(() => resolve(line));
      const fail = (why: string) =>
        settle(() => reject(new Error(`${why}; it printed at last:\n${output.slice(-3000)}`)));
      const late = setTimeout(() => fail('The line that was waited for did not come'), PATIENCE);
      watching.add(watch);
      void ended.then(({ code, signal }) => fail(`The gateway ended (${signal ?? code})`));
    });
  }

  async function becomeReady(): Promise<RunningGateway> {
    const line = await logged(({ msg }) => msg === 'ready');
    const startMs = performance.now() - since;
    const url = String(line['agents']);
    const adminUrl = String(line['admin']);
    const admin = ({ headers, ...sent }: Sent) =>
      send(adminUrl, { ...sent, headers: { authorization: `Bearer ${REVIEWER_TOKEN}`, ...headers } });
    const pending = async () =>
      (await admin({ path: '/api/holds?status=pending&limit=100' })).json<{ items: HoldSummary[] }>().items;
    const metric = async (name: string, labels = ''): Promise<number> => {
      const { text } = await send(adminUrl, { path: '/metrics' });
      const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
      if (lines.length === 0) throw new Error(`There is no metric ${name}`);
      return lines
        .filter((line) => line.includes(labels))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
    };
    return {
      url,
      adminUrl,
      pid,
      child,
      startMs,
      log,
      output: () => output,
      logged,
      pids: () => childrenOf(pid),
      call: ({ headers, ...sent }, agent) =>
        send(url, { ...sent, headers: { authorization: `Bearer ${TOKEN}`, ...headers } }, agent),
      admin,
      pending,
      async holdOf(name) {
        let found: HoldSummary | undefined;
        await eventually(`${name} is held`, async () => {
          found = (await pending()).find(({ action }) => action.path.includes(`/${name}/`));
          return found !== undefined;
        });
        return found!.hold_id;
      },
      async approve(holdId, token = REVIEWER_TOKEN) {
        const { headers } = await admin({ path: `/api/holds/${holdId}` });
        return admin({
          method: 'POST',
          path: `/api/holds/${holdId}/approve`,
          headers: { 'if-match': headers.etag!, authorization: `Bearer ${token}` },
          body: '{}',
        });
      },
      metric,
      caughtUp: () =>
        eventually('ClickHouse has caught up', async () => (await metric('holdpoint_journal_behind_bytes')) === 0),
      async stop() {
        const from = performance.now();
        child.kill('SIGTERM');
        return { ...(await ended), ms: performance.now() - from };
      },
      async killTree() {
        process.kill(-pid, 'SIGKILL');
        await exited;
      },
    };
  }

  return { child, ready: becomeReady() };
}

/** One request and its whole answer. Rejects when the connection breaks. */
export function send(url: string, { method = 'GET', path, headers = {}, body }: Sent, agent?: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const options = { method, headers: { ...type, ...headers }, ...(agent ? { agent } : { agent: new Agent() }) };
    const outgoing = request(`${url}${path}`, options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.once('error', reject);
      response.once('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, text, json: () => JSON.parse(text) }),
      );
    });
    outgoing.setTimeout(PATIENCE, () => outgoing.destroy(new Error(`${method} ${path} was not answered`)));
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Polls until the condition is true. */
export async function eventually(what: string, isTrue: () => Promise<boolean> | boolean): Promise<void> {
  let last: unknown;
  for (const end = performance.now() + PATIENCE; performance.now() < end; await pause(20)) {
    try {
      if (await isTrue()) return;
    } catch (error) {
      last = error;
    }
  }
  throw new Error(`It did not come about that ${what}`, { cause: last });
}

/** Whether a process of this group is still alive. */
export function groupLives(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function killGroup(pid: number | undefined): Promise<void> {
  if (pid === undefined || !groupLives(pid)) return;
  process.kill(-pid, 'SIGKILL');
  await eventually(`the processes of ${pid} are gone`, () => !groupLives(pid));
}

async function childrenOf(
  parent: number,
): Promise<{ workers: number[]; control: number | null; clickhouse: number | null }> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,stat=,args=']);
  const children = stdout
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line))
    .filter((match) => match !== null && Number(match[2]) === parent && !match[3]!.startsWith('Z'))
    .map((match) => ({ pid: Number(match![1]), args: match![4]! }));
  const running = (script: string) => children.filter(({ args }) => args.includes(script)).map(({ pid }) => pid);
  return {
    workers: running('worker.ts'),
    control: running('control.ts')[0] ?? null,
    clickhouse: running('embedded.ts')[0] ?? null,
  };
}

async function queryStopped<Row>(path: string, query: string): Promise<Row[]> {
  const engine = await startEmbedded({ path });
  const client = connectClickHouse(engine);
  try {
    return await (await client.query({ query, format: 'JSONEachRow' })).json<Row>();
  } finally {
    await client.close();
    engine.child.kill('SIGTERM');
    if (engine.child.exitCode === null) await once(engine.child, 'exit');
  }
}
