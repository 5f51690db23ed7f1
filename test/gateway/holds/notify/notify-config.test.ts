import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { ConfigError, parseConfig } from '../../../../gateway/config/config.ts';
import { createCompose } from '../../../../gateway/holds/notify/compose.ts';
import type { NotificationMessage } from '../../../../gateway/holds/notify/notification-message.ts';
import { composeFor } from '../../../../gateway/process/open-store.ts';
import { aHold } from '../../../helpers/hold.ts';
import { SECRET } from './a-notification.ts';

function notify(yaml: string, env: NodeJS.ProcessEnv = {}) {
  return parseConfig(`systems: {}\nnotify: ${yaml}`, 'holdpoint.yaml', env).notify;
}

/** What is wrong with the section, without the line. */
function problems(yaml: string): string[] {
  try {
    notify(yaml);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map((problem) => problem.replace(/^line \d+: /, ''));
    throw error;
  }
  return [];
}

test('the default configuration notifies no one', () => {
  const config = parseConfig('systems: {}', 'holdpoint.yaml', {}).notify;
  expect(config).toEqual({ webhooks: {}, slack: {} });
  const compose = createCompose(config, [], 'http://127.0.0.1:8081');
  expect(compose({ kind: 'opened', hold: aHold(0), at: 0 })).toEqual([]);
});

test('without a console, links name the admin listener, and the host where that is every address of the machine', () => {
  const config = parseConfig(
    `systems: {}\nnotify: { webhooks: { ops: { url: "https://ops.example.com", secret: "${SECRET}" } } }`,
    'holdpoint.yaml',
    {},
  );
  const linkAt = (host: string) => {
    const [draft] = composeFor(config, { host, port: 8081 })({ kind: 'opened', hold: aHold(0), at: 0 });
    return (JSON.parse(draft!.payload) as NotificationMessage).data.url.split('holds/')[0];
  };
  expect(linkAt('127.0.0.1')).toBe('http://127.0.0.1:8081/');
  expect(linkAt('0.0.0.0')).toBe(`http://${hostname()}:8081/`);
  expect(linkAt('::')).toBe(`http://${hostname()}:8081/`);
});

test('the configuration says where people are notified, with secrets from the environment', () => {
  const config = notify(
    `{
      console: https://holdpoint.example.com,
      webhooks: { ops: { url: "https://hooks.example.com/holds?team=1", secret: "\${HOOK}", groups: [finance], events: [opened, decided] } },
      slack: { finance: { url: "https://hooks.slack.example/services/x", events: [reminder] } },
      email: { url: "smtps://user:\${SMTP_PASSWORD}@smtp.example.com", from: "Holdpoint <holdpoint@example.com>" },
    }`,
    { HOOK: SECRET, SMTP_PASSWORD: 'p%40ss' },
  );
  expect(config.console?.href).toBe('https://holdpoint.example.com/');
  expect(config).toMatchObject({
    webhooks: {
      ops: {
        url: 'https://hooks.example.com/holds?team=1',
        secret: SECRET,
        groups: ['finance'],
        events: ['opened', 'decided'],
      },
    },
    slack: { finance: { url: 'https://hooks.slack.example/services/x', events: ['reminder'] } },
    email: { url: 'smtps://user:p%40ss@smtp.example.com', from: 'Holdpoint <holdpoint@example.com>' },
  });
});

test.each([
  ['a fragment', 'https://example.com/#holds'],
  ['a user', 'https://user:password@example.com/'],
  ['another scheme', 'ftp://example.com/'],
  ['no scheme', 'example.com/holds'],
])('refuses a target with %s', (_what, url) => {
  const expected = 'expected an http or https URL without fragment or user, such as https://hooks.example.com/holds';
  expect(problems(`{ slack: { ops: { url: "${url}" } } }`)).toEqual([`notify.slack.ops.url: ${expected}`]);
  expect(problems(`{ webhooks: { ops: { url: "${url}", secret: ${SECRET} } } }`)).toEqual([
    `notify.webhooks.ops.url: ${expected}`,
  ]);
});

test.each([
  ['that is no base64', 'whsec_not base64!'],
  ['without anything in it', 'whsec_'],
  ['that can be guessed', `whsec_${Buffer.alloc(23, 1).toString('base64')}`],
  ['that is longer than receivers take', `whsec_${Buffer.alloc(65, 1).toString('base64')}`],
])('refuses a webhook secret %s, without repeating it', (_what, secret) => {
  expect(problems(`{ webhooks: { ops: { url: "https://example.com", secret: "${secret}" } } }`)).toEqual([
    'notify.webhooks.ops.secret: expected whsec_ and 24 to 64 bytes in base64, such as `echo whsec_$(openssl rand -base64 32)` prints',
  ]);
});

test.each([
  'https://smtp.example.com',
  'smtp://',
  'smtp://smtp.example.com/path',
  'smtp://smtp.example.com?logger=true',
  'smtp://smtp.example.com#x',
  'smtp://user@smtp.example.com',
  'smtp://user:100%@smtp.example.com',
  'smtp://user:a/b@smtp.example.com',
])('refuses the mail server %s, without repeating it', (url) => {
  expect(problems(`{ email: { url: "${url}", from: "holdpoint@example.com" } }`)).toEqual([
    'notify.email.url: expected smtp[s]://[user:password@]host[:port], with special characters of the password percent-encoded (RFC 3986)',
  ]);
});

test('the configuration refuses a sender that is no mail address', () => {
  for (const from of ['Holdpoint', 'a@b, c@d', 'a <b@c> d', 'a@b\\r\\nBcc: c@d', '<>']) {
    expect(problems(`{ email: { url: "smtp://localhost", from: "${from}" } }`)).toEqual([
      'notify.email.from: expected a mail address, such as Holdpoint <holdpoint@example.com>',
    ]);
  }
});

test('a Slack app has a token and a channel, and posts to the Web API unless told otherwise', () => {
  const app = { token: 'xoxb-1', channel: '#finance' };
  expect(notify('{ slack: { a: { token: "${T}", channel: "#finance" } } }', { T: 'xoxb-1' }).slack).toEqual({ a: app });
  expect(notify('{ slack: { a: { token: x, channel: C1, url: https://slack-gov.com/api } } }').slack).toEqual({
    a: { token: 'x', channel: 'C1', url: 'https://slack-gov.com/api' },
  });
  for (const section of ['{}', '{ token: x }', '{ channel: C1 }', '{ url: https://a.example.com, channel: C1 }'])
    expect(problems(`{ slack: { a: ${section} } }`)).toEqual(['notify.slack.a: expected url, or token and channel']);
  const [problem] = problems('{ slack: { a: { token: "top secret", channel: C1 } } }');
  expect(problem).toBe('notify.slack.a.token: expected a token on one line');
});

test('the configuration refuses events that do not exist, and for people those that are for programs', () => {
  const target = 'url: "https://example.com"';
  expect(problems(`{ webhooks: { ops: { ${target}, secret: ${SECRET}, events: [open] } } }`)[0]).toMatch(
    /^notify\.webhooks\.ops\.events\.0: .*expected one of opened, /,
  );
  expect(problems(`{ slack: { ops: { ${target}, events: [decided] } } }`)[0]).toMatch(
    /^notify\.slack\.ops\.events\.0: .*expected one of opened, /,
  );
  expect(problems(`{ slack: { ops: { ${target}, groups: [] } } }`)[0]).toMatch(/^notify\.slack\.ops\.groups: /);
  expect(problems(`{ hooks: {} }`)).toEqual([
    'notify: unknown key "hooks"; known here: console, webhooks, slack, email',
  ]);
});
