import { readdirSync, readFileSync, statSync } from 'node:fs';
import { Agent, createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  allowed,
  createPlace,
  CREDENTIAL,
  eventually,
  freePort,
  groupLives,
  held,
  launch,
  REVIEWER_TOKEN,
  runMain,
  send,
  TOKEN,
  type Place,
  type RunningGateway,
} from '../helpers/gateway.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';

let upstream: Upstream;
const slow: ServerResponse[] = [];
const places: Place[] = [];

beforeAll(async () => {
  upstream = await startUpstream(({ url }, response) => {
    if (url.includes('/slow/')) slow.push(response);
    else response.writeHead(200).end('{}');
  });
});

afterAll(async () => {
  for (const place of places) await place.remove();
  await upstream.close();
});

async function newPlace(config: object = {}): Promise<Place> {
  const place = await createPlace(upstream.url, { workers: 1, ...config });
  places.push(place);
  return place;
}

/** The end of a start that must not succeed. */
async function failedStart(config: string): Promise<{ code: number | null; printed: string }> {
  const { child, ready } = launch(config);
  let printed = '';
  child.stdout!.on('data', (chunk) => (printed += chunk));
  child.stderr!.on('data', (chunk) => (printed += chunk));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  await expect(ready).rejects.toThrow();
  const code = await ended;
  await eventually('nothing is left running', () => !groupLives(child.pid!));
  return { code, printed };
}

describe('a running gateway', () => {
  let place: Place;
  let gateway: RunningGateway;

  beforeAll(async () => {
    place = await newPlace();
    gateway = await place.start();
  });

  test('a running gateway answers on both listeners that it is live and ready', async () => {
    for (const url of [gateway.url, gateway.adminUrl]) {
      expect((await send(url, { path: '/-/livez' })).status).toBe(200);
      expect((await send(url, { path: '/-/readyz' })).status).toBe(200);
    }
  });

  test('a second start on the same data is refused in one sentence, and does not disturb the running gateway', async () => {
    const { code, printed } = await failedStart(place.config);
    expect(code).toBe(1);
    expect(printed).toBe(
      `Another Holdpoint (process ${gateway.pid}) works on ${place.data}. Stop it first, or give this one a \`data\` folder of its own.\n`,
    );
    expect((await gateway.call(allowed('undisturbed'))).status).toBe(200);
    expect(await gateway.pids()).toMatchObject({
      workers: [expect.any(Number)],
      control: expect.any(Number),
      clickhouse: expect.any(Number),
    });
  });

  test('a gateway keeps its data from other users of the machine', async () => {
    await gateway.call({ ...held('kept'), headers: { prefer: 'wait=0' } });
    const mode = (...path: string[]) => (statSync(join(place.data, ...path)).mode & 0o777).toString(8);
    expect(mode()).toBe('700');
    for (const folder of ['keys', 'journal', 'clickhouse']) expect([folder, mode(folder)]).toEqual([folder, '700']);
    expect(mode('keys', 'holds.key')).toBe('600');
    for (const file of readdirSync(place.data).filter((name) => name.startsWith('holds.sqlite'))) {
      expect([file, mode(file)]).toEqual([file, '600']);
    }
    for (const file of readdirSync(join(place.data, 'journal', 'worker-0')).filter((name) =>
      name.endsWith('.journal'),
    )) {
      expect([file, mode('journal', 'worker-0', file)]).toEqual([file, '600']);
    }
  });

  test('a gateway drains on SIGTERM: running calls end, waiting callers are told to retry, new calls are refused', async () => {
    const kept = new Agent({ keepAlive: true, maxSockets: 1 });
    const running = gateway.call(allowed('slow'), kept);
    await eventually('a call is under way', () => slow.length === 1);
    const waiting = gateway.call(held('waits'));
    await eventually('a call is held', async () => (await gateway.metric('holdpoint_holds', 'pending')) === 2);

    const stopped = gateway.stop();
    const sentAway = await waiting;
    expect(sentAway.status).toBe(503);
    expect(sentAway.json()).toMatchObject({ code: 'draining' });
    expect(sentAway.headers['retry-after']).toBe('1');
    await expect(gateway.call(allowed('too-late'))).rejects.toThrow();
    slow[0]!.writeHead(200).end('{"slow":true}');
    expect((await running).json()).toEqual({ slow: true });

    const { code, ms } = await stopped;
    expect(code).toBe(0);
    expect(ms).toBeLessThan(10_000);
    expect(groupLives(gateway.pid)).toBe(false);
    expect(upstream.received.some(({ url }) => url.includes('/too-late/'))).toBe(false);
    const completed = await place.query<{ path: string; status: number }>(
      "SELECT path, status FROM holdpoint.events WHERE type = 'call.completed'",
    );
    expect(completed).toContainEqual({ path: allowed('slow').path.replace('/github', ''), status: 200 });
    expect(completed).toContainEqual({ path: held('waits').path.replace('/github', ''), status: 503 });
  });

  test('a gateway starts again on its data, and the hold still waits', async () => {
    const again = await place.start();
    const retry = await again.call({ ...held('waits'), headers: { prefer: 'wait=0' } });
    expect(retry.json()).toMatchObject({ code: 'approval-pending' });
    expect(await again.pending()).toHaveLength(2);
    expect(await again.stop()).toMatchObject({ code: 0 });
    for (const secret of [TOKEN, REVIEWER_TOKEN, CREDENTIAL, 'credential-of-the-system']) {
      expect(gateway.output() + again.output()).not.toContain(secret);
    }
  });
});

test('SIGTERM during the start ends a gateway with exit code 0, and leaves no process running', async () => {
  const place = await newPlace();
  const { child, ready } = launch(place.config);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  ready.catch(() => {});
  await new Promise((resolve) => child.stdout!.once('data', resolve));
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(groupLives(child.pid!)).toBe(false);
  const gateway = await place.start();
  expect((await gateway.call(allowed('after'))).status).toBe(200);
  await gateway.stop();
});

test('SIGINT twice, as npm and a terminal send it, drains a gateway like SIGINT once', async () => {
  const place = await newPlace();
  const gateway = await place.start();
  const before = slow.length;
  const running = gateway.call(allowed('slow'));
  await eventually('a call is under way', () => slow.length > before);
  process.kill(-gateway.pid, 'SIGINT');
  await gateway.logged(({ msg }) => msg.startsWith('stopping'));
  gateway.child.kill('SIGINT');
  await expect(gateway.call(allowed('too-late'))).rejects.toThrow();
  slow.at(-1)!.writeHead(200).end('{}');
  expect((await running).status).toBe(200);
  expect(await gateway.stop()).toMatchObject({ code: 0 });
});

test('processes end by themselves when their supervisor is killed, and a new start succeeds', async () => {
  const place = await newPlace();
  const gateway = await place.start();
  process.kill(gateway.pid, 'SIGKILL');
  const next = await place.start();
  await eventually('the old processes are gone', () => !groupLives(gateway.pid));
  expect((await next.call(allowed('after'))).status).toBe(200);
  await next.stop();
});

describe('starts that fail', () => {
  test('a start exits with 1 and lists all mistakes in the configuration, without a stack trace', async () => {
    const place = await newPlace({ listn: {}, workers: 0, systems: { github: { upstream: 'ftp://x' } } });
    const { code, printed } = await failedStart(place.config);
    expect(code).toBe(1);
    expect(printed).toContain('unknown key "listn"; did you mean "listen"?');
    expect(printed).toContain('workers: ');
    expect(printed).toContain('systems.github.upstream: ');
    expect(printed).not.toMatch(/^\s+at /m);
  });

  test('a start exits with 1 and says in one sentence that the configuration file does not exist', async () => {
    const { code, printed } = await failedStart('/nowhere/holdpoint.yaml');
    expect(code).toBe(1);
    expect(printed).toContain('/nowhere/holdpoint.yaml: no such file.');
    expect(printed).not.toMatch(/^\s+at /m);
  });

  test.for(['agents', 'admin'])('a start exits with 1 and names the port of %s that is in use', async (listener) => {
    const port = await freePort();
    const other = createServer().listen(port, '127.0.0.1');
    const listen = {
      agents: `127.0.0.1:${await freePort()}`,
      admin: `127.0.0.1:${await freePort()}`,
      [listener]: `127.0.0.1:${port}`,
    };
    const place = await newPlace({ listen });
    const { code, printed } = await failedStart(place.config);
    other.close();
    expect(code).toBe(1);
    expect(printed).toContain(`cannot listen on 127.0.0.1:${port}: the port is in use`);
    expect(printed).not.toMatch(/^\s+at /m);
  });

  test('a start exits with 1 when another gateway has the port, although workers share theirs', async () => {
    const first = await newPlace();
    const gateway = await first.start();
    const { host } = new URL(gateway.url);
    const second = await newPlace({ listen: { agents: host, admin: `127.0.0.1:${await freePort()}` } });
    const { code, printed } = await failedStart(second.config);
    expect(code).toBe(1);
    expect(printed).toContain(`cannot listen on ${host}`);
    expect((await gateway.call(allowed('undisturbed'))).status).toBe(200);
    await gateway.stop();
  });

  test('a start exits with 1 and says why when the policies are invalid', async () => {
    const place = await newPlace({ policies: './policies' });
    const { code, printed } = await failedStart(place.config);
    expect(code).toBe(1);
    expect(printed).toContain(join(place.path, 'policies'));
    expect(printed).not.toMatch(/^\s+at /m);
  });
});

describe('commands', () => {
  test('the command `check` says that a configuration is valid, or what is wrong', async () => {
    const good = await newPlace();
    expect(await runMain('check', '--config', good.config)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('is fine: 1 systems, 1 agents, 1 reviewers.'),
    });
    const bad = await newPlace({ agents: [{ id: 'bot', owner: '', token_sha256: 'x', systems: ['github'] }] });
    const { code, stderr } = await runMain('check', '--config', bad.config);
    expect(code).toBe(1);
    expect(stderr).toContain('agents.0.owner: expected a person');
    expect(stderr).toContain('agents.0.token_sha256: expected the lowercase hex');
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test('the command `token` prints a token and the hash for the configuration', async () => {
    const { code, stdout } = await runMain('token');
    expect(code).toBe(0);
    const [, token] = /^token +(\S+)$/m.exec(stdout)!;
    const [, hash] = /^token_sha256 +([0-9a-f]{64})$/m.exec(stdout)!;
    const place = await newPlace({
      agents: [{ id: 'bot', owner: 'ana@example.com', token_sha256: hash, systems: ['github'] }],
    });
    const gateway = await place.start();
    const call = (authorization: string) => gateway.call({ ...allowed('known'), headers: { authorization } });
    expect((await call(`Bearer ${token}`)).status).toBe(200);
    expect((await call(`Bearer ${TOKEN}`)).status).toBe(401);
    await gateway.stop();
    expect(gateway.output()).not.toContain(token);
    expect(readFileSync(place.config, 'utf8')).not.toContain(token);
  });

  test('an unknown command is a usage error that names the nearest command and lists all', async () => {
    const { code, stderr } = await runMain('strat');
    expect(code).toBe(2);
    expect(stderr).toBe(
      'There is no command "strat". Did you mean "start"?\n' +
        'Usage: npx holdpoint start|check|demo|policy|token|sign-in|holds|approve|reject|report|audit|journal [options]\n',
    );
  });

  test('every command explains itself with --help, and does nothing else', async () => {
    for (const name of [
      'start',
      'check',
      'demo',
      'policy',
      'token',
      'sign-in',
      'holds',
      'approve',
      'reject',
      'report',
      'journal',
      'audit',
    ]) {
      const { code, stdout, stderr } = await runMain(name, '--help');
      expect([name, code, stderr]).toEqual([name, 0, '']);
      expect(stdout).toContain(`${name} `);
      expect(stdout).not.toContain('token_sha256  ');
    }
    expect(await runMain('journal', '--jsn')).toMatchObject({
      code: 2,
      stderr: 'Unknown option --jsn. Did you mean "--json"?\nUsage: npx holdpoint journal [options]\n',
    });
  });
});
