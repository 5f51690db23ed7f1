import { expect, test } from 'vitest';
import { ConfigError, parseConfig } from '../../../gateway/config/config.ts';

const UPSTREAM = 'upstream: "https://api.example.com"';

function problemsOf(text: string, env: NodeJS.ProcessEnv = {}): string {
  try {
    parseConfig(text, '/nowhere/holdpoint.yaml', env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.join('\n');
    throw error;
  }
  return '';
}

const withKey = (key: string) =>
  `systems: { pay: { ${UPSTREAM}, credential: { header: authorization, value: ${JSON.stringify(key)} } } }`;
const valueOf = (key: string, env: NodeJS.ProcessEnv = {}) =>
  parseConfig(withKey(key), 'holdpoint.yaml', env).systems[0]!.credential!.headers[0]!.value;

/** What new users write, and what they read then. */
const MISTAKES: Readonly<Record<string, readonly [text: string, told: string]>> = {
  'a name of a system with capitals': [
    `systems: { My-CRM: { ${UPSTREAM} } }`,
    'line 1: systems.My-CRM: expected another name: lowercase letters, digits, "-" and "_", beginning with a letter or digit',
  ],
  'the name that means every system': [
    `systems: { all: { ${UPSTREAM} } }`,
    'line 1: systems.all: expected another name: the rules of every system are in rules.all',
  ],
  'systems as a list': [
    `systems:\n  - { name: pay }`,
    'line 1: systems: expected a mapping of names, not a list; write `name:` instead of "- "',
  ],
  'agents as a mapping': [
    `systems: {}\nagents: { bot: { owner: ana } }`,
    'line 2: agents: expected a list, not a mapping; begin each entry with "- "',
  ],
  'one group without brackets': [
    `systems: {}\nreviewers: [{ id: ana, token_sha256: ${'a'.repeat(64)}, groups: finance }]`,
    'line 2: reviewers.0.groups: expected a list, not text; put it in brackets: [...]',
  ],
  'a role that does not exist': [
    `systems: {}\nreviewers: [{ id: ana, token_sha256: ${'a'.repeat(64)}, roles: [analist] }]`,
    'line 2: reviewers.0.roles.0: expected one of reviewer, operator, analyst; did you mean analyst?',
  ],
  'a port for an address': [
    `systems: {}\nlisten: { agents: 8080 }`,
    'line 2: listen.agents: expected text, not a number; put it in quotes',
  ],
  'no workers': [`systems: {}\nworkers: 0`, 'line 2: workers: expected a number of at least 1'],
  'an empty file': ['', 'systems: missing; expected a mapping of names'],
  'a token for its hash': [
    `systems: {}\nagents: [{ id: a, owner: b, token_sha256: 12345, systems: [] }]`,
    'line 2: agents.0.token_sha256: expected the lowercase hex SHA-256 of the token, not the token; `npx holdpoint token` prints both',
  ],
  'a default value, as in shells': [
    withKey('${KEY:-none}'),
    'line 1: systems.pay.credential.value: ${KEY:-none} is not understood: there are no default values; write ${KEY}; it must be set',
  ],
  'a file that is not there': [
    `systems: { pay: { ${UPSTREAM}, openapi: ./none.yaml } }`,
    'line 1: systems.pay.openapi: no such file: /nowhere/none.yaml',
  ],
  'an alias without an anchor': [
    'systems: { pay: *common }',
    'Unresolved alias (the anchor must be set before the alias): common',
  ],
};

test.each(Object.entries(MISTAKES))('%s is explained', (_, [text, told]) => {
  expect(problemsOf(text)).toContain(told);
});

test('an error of syntax names its line, and shows nothing of the file', () => {
  const told = problemsOf(`${withKey('sk-secret').replace(/ }$/, '')}\nlog: info`);
  expect(told).toMatch(/^line \d: /);
  expect(told).not.toContain('secret');
  expect(problemsOf('systems: { pay: { a: [sk-secret }')).not.toContain('secret');
});

test('anchors may stand below keys that begin with x-, and << merges them, as in Compose files', () => {
  const { systems } = parseConfig(
    `x-common: &common { ${UPSTREAM}, wait: 10s, timeout: 30s }
x-slow: &slow { timeout: 90s }
systems:
  pay: *common
  crm: { <<: *common, wait: 20s }
  erp: { <<: [*slow, *common] }
`,
    'holdpoint.yaml',
    {},
  );
  expect(systems.map(({ name, wait, timeout }) => [name, wait, timeout])).toEqual([
    ['pay', 10_000, 30_000],
    ['crm', 20_000, 30_000],
    ['erp', 10_000, 90_000],
  ]);
  expect(problemsOf('systems:\n  pay: &x {}\n  crm: { x-y: 1 }')).toContain('unknown key "x-y"');
});

test('anchors that expand without a bound are refused', () => {
  const levels = Array.from({ length: 9 }, (_, n) => `x-${n + 1}: &a${n + 1} [${`*a${n}, `.repeat(9)}]`);
  expect(problemsOf(`x-0: &a0 [x]\n${levels.join('\n')}\nsystems: {}`)).toContain('Excessive alias count');
});

test('a placeholder that was left in place of a value is refused, with the way to write it', () => {
  const env = { PAYMENTS_KEY: 'real' };
  const told = 'a placeholder is left here; write ${PAYMENTS_KEY} for an environment variable.';
  for (const key of ['$PAYMENTS_KEY', 'Bearer $PAYMENTS_KEY', 'Bearer {{ PAYMENTS_KEY }}', '%PAYMENTS_KEY%'])
    expect([key, problemsOf(withKey(key), env)]).toEqual([key, expect.stringContaining(told)]);
  for (const key of ['<your key here>', '${{ secrets.KEY }}', 'YOUR_API_KEY', 'your-token-here', '$(KEY)', '$OTHER'])
    expect([key, problemsOf(withKey(key), env)]).toEqual([key, expect.stringContaining('write ${NAME}')]);
  const mail = 'systems: {}\nnotify: { email: { url: "smtps://u:$SMTP_PASSWORD@example.com", from: a@b.c } }';
  expect(problemsOf(mail)).toContain('notify.email.url: a placeholder is left here');
});

test('real secrets that contain the characters of placeholders are taken as they are', () => {
  for (const key of ['pa$$w0rd', '$ecret', 'a$B', 'Bearer 50%_x%', 'x{{y', 'a<b>c', 'Basic $2y$10$abc', '{"a":1}'])
    expect(valueOf(key)).toBe(key);
  expect(valueOf('${KEY}', { KEY: '$PASSWORD' })).toBe('$PASSWORD');
});

test('the last line break of a variable is not part of the value, and further lines are an error that names it', () => {
  expect(valueOf('Bearer ${KEY}', { KEY: 'abc\n' })).toBe('Bearer abc');
  expect(valueOf('Bearer ${KEY}', { KEY: 'abc\r\n' })).toBe('Bearer abc');
  expect(problemsOf(withKey('${KEY}'), { KEY: 'abc\ndef\n' })).toBe(
    'line 1: systems.pay.credential.value: the environment variable KEY has more than one line',
  );
  expect(problemsOf(withKey('${KEY}'), { KEY: '\n' })).toContain('the environment variable KEY is not set');
});
