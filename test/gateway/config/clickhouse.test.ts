import { expect, test } from 'vitest';
import { ConfigError, parseConfig } from '../../../gateway/config/config.ts';
import { writeFiles } from '../../helpers/folder.ts';

const DAY = 86_400_000;
const PEM = '-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n';

function disposable(files: Record<string, string>) {
  const folder = writeFiles(files);
  return { path: folder.path, [Symbol.dispose]: () => folder.remove() };
}

function problemsOf(text: string): readonly string[] {
  try {
    parseConfig(`systems: {}\n${text}`, 'holdpoint.yaml', {});
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test('the configuration takes one or several ClickHouse servers, with credentials, certificates and a cluster name', () => {
  using folder = disposable({ 'ca.pem': PEM, 'own.pem': PEM, 'own.key': PEM });
  const { clickhouse } = parseConfig(
    `systems: {}
clickhouse:
  url: [https://a.example.com:8443, https://b.example.com:8443]
  username: gateway
  password: "\${PASSWORD}"
  tls: { ca: ca.pem, cert: own.pem, key: own.key }
  compression: true
  cluster: main`,
    `${folder.path}/holdpoint.yaml`,
    { PASSWORD: 'secret' },
  );
  expect(clickhouse).toEqual({
    url: ['https://a.example.com:8443', 'https://b.example.com:8443'],
    username: 'gateway',
    password: 'secret',
    tls: { ca: PEM, cert: PEM, key: PEM },
    compression: true,
    cluster: 'main',
  });
  const plain = parseConfig('systems: {}\nclickhouse: { url: "http://localhost:8123" }', 'holdpoint.yaml', {});
  expect(plain.clickhouse).toMatchObject({ url: 'http://localhost:8123', username: 'default', compression: false });
});

test('the configuration says what is wrong with a ClickHouse server', () => {
  expect(problemsOf('clickhouse: { url: "tcp://x:9000" }')).toEqual([
    'line 2: clickhouse.url: expected an http or https URL',
  ]);
  expect(problemsOf('clickhouse: { url: [] }')).toHaveLength(1);
  for (const more of ['https://gateway:secret@x', 'https://x/?password=secret', 'https://x/#a']) {
    for (const url of [`"${more}"`, `["http://y", "${more}"]`]) {
      const [problem, ...others] = problemsOf(`clickhouse: { url: ${url} }`);
      expect(problem).toContain('expected a URL without user, query or fragment');
      expect(problem).not.toContain('secret');
      expect(others).toEqual([]);
    }
  }
  expect(problemsOf('clickhouse: { url: "https://x", tls: { ca: nowhere.pem } }')).toEqual([
    expect.stringMatching(/^line 2: clickhouse\.tls\.ca: no such file: .*nowhere\.pem$/),
  ]);
  expect(problemsOf('clickhouse: { url: "https://x", tls: { ca: a, cert: b } }')).toEqual([
    'line 2: clickhouse.tls: expected cert and key together',
  ]);
  expect(problemsOf(`clickhouse: { url: "https://x", cluster: "it's" }`)).toEqual([
    expect.stringContaining('expected the name of a cluster'),
  ]);
});

test('the configuration says how long the record is kept, or that it is kept forever', () => {
  const retention = (text: string) => parseConfig(`systems: {}\n${text}`, 'holdpoint.yaml', {}).retention;
  const usual = { events: 400 * DAY, calls: 800 * DAY, holds: 800 * DAY, minutes: 1600 * DAY };
  expect(retention('')).toEqual(usual);
  expect(retention('retention: { events: forever, minutes: 30d }')).toEqual({
    ...usual,
    events: null,
    minutes: 30 * DAY,
  });
  // 100 years from now is beyond what ClickHouse counts to: it would delete everything at once.
  for (const bad of ['12h', '400', 'always', '36500d']) {
    expect(problemsOf(`retention: { calls: ${bad} }`)).toEqual([
      'line 2: retention.calls: expected a duration from a day to 50 years (18250d), such as 400d, or forever',
    ]);
  }
});
