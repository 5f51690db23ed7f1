import { expect, test } from 'vitest';
import { ConfigError, loadConfig, parseConfig } from '../../../gateway/config/config.ts';
import { writeFiles } from '../../helpers/folder.ts';

const SHA = 'a'.repeat(64);

function problemsOf(text: string, env: NodeJS.ProcessEnv = {}): readonly string[] {
  try {
    parseConfig(text, 'holdpoint.yaml', env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test('durations, sizes and addresses are read into milliseconds, bytes and ports', () => {
  const config = parseConfig(
    `systems: { payments: { upstream: https://api.example.com/base/, wait: 5s, body_limit: 2MiB, timeout: 1m, listen: "127.0.0.1:8090" } }`,
    '/etc/holdpoint/holdpoint.yaml',
    {},
  );
  expect(config.systems[0]).toMatchObject({
    name: 'payments',
    wait: 5000,
    bodyLimit: 2 * 2 ** 20,
    timeout: 60_000,
    listen: '127.0.0.1:8090',
  });
  expect(config.data).toBe('/etc/holdpoint/data');
  expect(config.listen.admin).toEqual({ host: '127.0.0.1', port: 8081 });
});

test('a bad configuration reports every problem at once, each with its line, its path and what was expected', () => {
  const problems = problemsOf(`listen: { agents: nowhere }
systems:
  payments:
    upstream: ftp://example.com
    wait: 50
agents:
  - { id: bot, owner: "", token_sha256: abc, systems: [billing] }
`);
  expect(problems).toEqual([
    'line 1: listen.agents: expected host:port, such as 127.0.0.1:8080',
    expect.stringMatching(/^line 4: systems\.payments\.upstream: expected an http or https URL/),
    'line 5: systems.payments.wait: expected a duration with its unit, such as 250ms, 50s, 30m, 8h or 2d',
    'line 7: agents.0.owner: expected a person, such as ana@example.com',
    expect.stringMatching(/^line 7: agents\.0\.token_sha256: expected the lowercase hex SHA-256/),
  ]);
});

test('an unknown key is reported with the nearest known one', () => {
  expect(problemsOf('systems: { p: { upstream: "http://x", body_limt: 1MiB } }')).toEqual([
    'line 1: systems.p: unknown key "body_limt"; did you mean "body_limit"?',
  ]);
  expect(problemsOf('systems: {}\nzebra: 1')[0]).toMatch(/the file: unknown key "zebra"; known here: listen, /);
});

test('a value may come from the environment, and an unset variable is reported', () => {
  const text =
    'systems: { p: { upstream: "http://x", credential: { header: authorization, value: "Bearer ${KEY}, not $${KEY}" } } }';
  const config = parseConfig(text, 'holdpoint.yaml', { KEY: 'secret' });
  expect(config.systems[0]?.credential?.headers).toEqual([
    { name: 'authorization', value: 'Bearer secret, not ${KEY}' },
  ]);
  expect(problemsOf(text)).toEqual(['line 1: systems.p.credential.value: the environment variable KEY is not set']);
});

test('an agent without an owner, an unknown system, and a shared token, host or address are refused', () => {
  const agent = (id: string, more = '') => `- { id: ${id}, token_sha256: ${SHA}, systems: [p]${more} }`;
  expect(problemsOf(`systems: { p: { upstream: "http://x" } }\nagents:\n  ${agent('bot')}`)).toEqual([
    'line 3: agents.0.owner: missing; expected text',
  ]);
  const shared = problemsOf(`systems:
  p: { upstream: "http://x", hosts: [a.example.com], listen: "127.0.0.1:9000" }
  q: { upstream: "http://y", hosts: [A.example.com], listen: "127.0.0.1:9000" }
agents:
  - { id: a, owner: o, token_sha256: ${SHA}, systems: [r] }
reviewers:
  - { id: r, token_sha256: ${SHA} }`);
  expect(shared).toEqual([
    'line 5: agents.0.systems.0: expected one of the systems: p, q',
    'line 7: reviewers.0.token_sha256: expected a token of its own; agents.0.token_sha256 has the same',
    'line 3: systems.q.hosts.0: expected a host of its own; systems.p.hosts.0 has the same',
    'line 3: systems.q.listen: expected an address of its own; systems.p.listen has the same',
  ]);
});

test('a problem never repeats a value, which may be a secret', () => {
  const problems =
    problemsOf(`systems: { p: { upstream: "http://user:hunter2@x", credential: { header: "a b", value: 5 } } }
agents: [{ id: b, owner: o, token_sha256: hunter2, systems: [p] }]`);
  expect(problems.length).toBe(4);
  expect(problems.join()).not.toContain('hunter2');
});

test('a missing file and invalid YAML are reported without a stack', () => {
  expect(() => loadConfig('/nowhere/holdpoint.yaml')).toThrow(
    /^\/nowhere\/holdpoint\.yaml: no such file\. Pass --config FILE\.$/,
  );
  expect(problemsOf('systems: [}')[0]).toMatch(/^line 1: /);
});

test('an OpenAPI document next to the configuration is read, and other files are refused', () => {
  const folder = writeFiles({
    'good.yaml': 'openapi: 3.1.0\ninfo: { title: t, version: "1" }\npaths: {}\n',
    'bad.yaml': 'swagger: "2.0"\n',
    'holdpoint.yaml':
      'systems: { p: { upstream: "http://x", openapi: good.yaml }, q: { upstream: "http://x", openapi: bad.yaml } }',
  });
  try {
    expect(() => loadConfig(`${folder.path}/holdpoint.yaml`)).toThrow(
      /systems\.q\.openapi: expected an OpenAPI 3\.0 or 3\.1 document/,
    );
  } finally {
    folder.remove();
  }
});

test('an OpenAPI document may stand in the configuration itself', () => {
  const openapi = { openapi: '3.1.0', paths: { '/refunds': { post: { operationId: 'createRefund' } } } };
  const text = (document: unknown) => JSON.stringify({ systems: { p: { upstream: 'http://x', openapi: document } } });
  expect(parseConfig(text(openapi), 'holdpoint.yaml', {}).systems[0]!.openapi).toEqual(openapi);
  expect(problemsOf(text({ swagger: '2.0' }))).toEqual([
    'line 1: systems.p.openapi: expected an OpenAPI 3.0 or 3.1 document; its member "openapi" says 3.1.0',
  ]);
  expect(problemsOf(text(['a.yaml']))).toEqual([
    'line 1: systems.p.openapi: expected a file, or an OpenAPI document itself',
  ]);
});

test('a system declares how it reads paths, and a way that does not exist is refused', () => {
  const system = (path: string) => `systems:\n  p:\n    upstream: "http://x"\n    path: ${path}\n`;
  const read = (path: string) => parseConfig(system(path), 'holdpoint.yaml', {}).systems[0]?.path;
  expect(read('{ encoded_slash: data, case: insensitive, empty_segments: merge }')).toEqual({
    encodedSlash: 'data',
    case: 'insensitive',
    emptySegments: 'merge',
  });
  expect(read('{ encoded_slash: separator }')).toEqual({ encodedSlash: 'separator' });
  expect(problemsOf(system('{ encoded_slash: both }'))).toEqual([
    'line 4: systems.p.path.encoded_slash: expected data or separator',
  ]);
});

test('the headers of a system are read in one spelling, and a header that it cannot name is refused', () => {
  const text = (headers: string) =>
    `systems:\n  p:\n    upstream: "http://x"\n    credential: { header: X_Key, value: v }\n    headers: ${headers}\n`;
  const read = (headers: string) => parseConfig(text(headers), 'holdpoint.yaml', {}).systems[0]?.headers;
  expect(read('[Sudo, X_Forwarded_User, private-token, traceparent]')).toEqual([
    'sudo',
    'x-forwarded-user',
    'private-token',
    'traceparent',
  ]);
  const names =
    '[Authorization, X-Key, X-Api-Key, Connection, Content-Length, Host, X-HTTP-Method-Override, a b, cookie]';
  expect(problemsOf(text(names))).toEqual([
    'line 5: systems.p.headers.7: expected an HTTP header name',
    'line 5: systems.p.headers.0: authorization is set or read by the gateway itself; remove it',
    "line 5: systems.p.headers.1: x-key is the system's own credential; remove it",
    "line 5: systems.p.headers.2: x-api-key carries the agent's token, which is never sent; remove it",
    'line 5: systems.p.headers.3: connection is set or read by the gateway itself; remove it',
    'line 5: systems.p.headers.4: content-length is set or read by the gateway itself; remove it',
    'line 5: systems.p.headers.5: host is set or read by the gateway itself; remove it',
    'line 5: systems.p.headers.6: x-http-method-override overrides the judged method; agents send that method instead',
    'line 5: systems.p.headers.8: cookies are sent with `cookies: pass`; remove it',
  ]);
});

test('the cost entries of a system are read, and an ambiguous entry is refused', () => {
  const costs = (entry: string) => `systems:\n  p:\n    upstream: "http://x"\n    costs:\n      - ${entry}\n`;
  const read = (entry: string) => parseConfig(costs(entry), 'holdpoint.yaml', {}).systems[0]?.costs;
  expect(read('{ operations: [createChat], answer: /usage/total_tokens, unit: USD, price: 0.000002 }')).toEqual([
    { operations: ['createChat'], from: { answer: '/usage/total_tokens' }, unit: 'USD', price: 0.000002 },
  ]);
  expect(read('{ header: X-Credits-Used, unit: credits }')).toEqual([
    { from: { header: 'x-credits-used' }, unit: 'credits', price: 1 },
  ]);
  expect(read('{ amount: 0.10, unit: EUR }')).toEqual([{ amount: 0.1, unit: 'EUR' }]);

  const at = 'line 5: systems.p.costs.0';
  expect(problemsOf(costs('{ unit: EUR }'))).toEqual([`${at}: expected one of answer, header and amount`]);
  expect(problemsOf(costs('{ answer: /a, amount: 1, unit: EUR }'))).toEqual([
    `${at}: expected one of answer, header and amount`,
  ]);
  expect(problemsOf(costs('{ amount: 1, price: 2, unit: EUR }'))).toEqual([
    `${at}.price: expected only with answer or header`,
  ]);
  expect(problemsOf(costs('{ answer: usage.total, unit: EUR }'))).toEqual([
    `${at}.answer: expected a JSON pointer, such as /usage/total_tokens`,
  ]);
  expect(problemsOf(costs('{ amount: -1, unit: EUR }'))).toEqual([`${at}.amount: expected no negative number`]);
  expect(problemsOf(costs('{ amount: 1, unit: "€" }'))).toEqual([
    `${at}.unit: expected a unit, such as EUR, tokens or credits`,
  ]);
});
