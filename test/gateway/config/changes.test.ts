import { deserialize, serialize } from 'node:v8';
import { expect, test } from 'vitest';
import { changeTo, keepUnchanged } from '../../../gateway/config/changes.ts';
import { parseConfig, type Config } from '../../../gateway/config/config.ts';
import { packConfig, unpackConfig } from '../../../gateway/process/packed-config.ts';

const hash = (digit: string) => digit.repeat(64);
const BOT = { id: 'bot', owner: 'ana@example.com', token_sha256: hash('a'), systems: ['payments'] };
const BASE = {
  systems: {
    payments: { upstream: 'https://api.example.com', credential: { header: 'authorization', value: 'Bearer one' } },
  },
  agents: [BOT],
  notify: { console: 'https://console.example.com' },
};

const read = (config: object): Config => parseConfig(JSON.stringify({ ...BASE, ...config }), 'holdpoint.yaml', {});
const started = read({});
const change = (config: object) => changeTo(read(config), started, started);

test('a change is named by its fields, down to those of one agent, reviewer or system, and without values', () => {
  const payments = { upstream: 'https://api.example.com', body_limit: '2MiB' };
  const { fields, needsRestart } = change({
    systems: { payments, mail: { upstream: 'https://mail.example.com' } },
    agents: [{ ...BOT, token_sha256: [hash('b'), hash('a')] }],
    reviewers: [{ id: 'ben@example.com', token_sha256: hash('c') }],
    retention: { events: '30d' },
    public_url: 'https://gateway.example.com',
  });
  expect(fields).toEqual([
    'agents.bot.token_sha256',
    'public_url',
    'retention.events',
    'reviewers.ben@example.com',
    'systems.mail',
    'systems.payments.body_limit',
    'systems.payments.credential',
  ]);
  expect(needsRestart).toEqual([]);
});

test('what needs a restart stays as it was at the start, and is named', () => {
  const payments = { ...BASE.systems.payments, listen: '127.0.0.1:9000' };
  const { config, fields, needsRestart } = change({ node: 'other', journal: { limit: '2GiB' }, systems: { payments } });
  expect(fields).toEqual([]);
  expect(needsRestart).toEqual(['journal.limit', 'node', 'systems.payments.listen']);
  expect(config).toEqual(started);
});

test('an agent departs with a grant, or as a whole, and a system when its calls would go elsewhere', () => {
  expect(change({ agents: [] }).departures).toEqual([{ agent: 'bot', reason: 'the agent bot left the configuration' }]);
  expect(change({ agents: [{ ...BOT, systems: [] }] }).departures).toEqual([
    { agent: 'bot', system: 'payments', reason: 'the agent bot no longer has access to payments' },
  ]);
  expect(change({ systems: { payments: { upstream: 'https://elsewhere.example.com' } } }).departures).toEqual([
    { system: 'payments', reason: 'the configuration of the system payments changed' },
  ]);
  const credential = { header: 'authorization', value: 'Bearer two' };
  expect(change({ systems: { payments: { ...BASE.systems.payments, credential } } }).departures).toEqual([]);
});

test('a reviewer departs as a whole, or with a token; a new token beside the old one ends nothing', () => {
  const reviewers = (...token_sha256: string[]) => ({ reviewers: [{ id: 'ben@example.com', token_sha256 }] });
  const before = read(reviewers(hash('c'), hash('d')));
  const departures = (config: object) => changeTo(read(config), before, before).departures;
  expect(departures({})).toEqual([
    { reviewer: 'ben@example.com', reason: 'the reviewer ben@example.com left the configuration' },
  ]);
  expect(departures(reviewers(hash('c')))).toEqual([
    { reviewer: 'ben@example.com', reason: 'a token of the reviewer ben@example.com left the configuration' },
  ]);
  expect(departures(reviewers(hash('e'), hash('c'), hash('d')))).toEqual([]);
});

test('a configuration passes between processes whole, and unchanged systems stay the same objects', () => {
  const passed = unpackConfig(deserialize(serialize(packConfig(started))));
  expect(passed).toEqual(started);
  expect(passed.systems[0]?.upstream).toBeInstanceOf(URL);
  expect(passed.notify.console).toBeInstanceOf(URL);
  expect(keepUnchanged(passed.systems, started.systems)[0]).toBe(started.systems[0]);
});

test('an agent may have several tokens while one replaces another, and none that another has', () => {
  expect(read({ agents: [{ ...BOT, token_sha256: [hash('b'), hash('a')] }] }).agents[0]?.token_sha256).toHaveLength(2);
  const other = { ...BOT, id: 'other', token_sha256: [hash('b'), hash('a')] };
  expect(() => read({ agents: [BOT, other] })).toThrow(
    'agents.1.token_sha256.1: expected a token of its own; agents.0.token_sha256 has the same',
  );
});
