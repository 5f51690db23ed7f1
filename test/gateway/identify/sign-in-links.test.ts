import { expect, test } from 'vitest';
import { SIGN_IN_LINK_LIFE } from '../../../gateway/domain/session.ts';
import { createSignInLinks } from '../../../gateway/identify/sign-in-links.ts';
import { KEY } from '../../helpers/hold.ts';

let now = 1_800_000_000_000;
const links = createSignInLinks(KEY, () => now);

test('a gateway with the same key opens a sign-in link, and each link has an id of its own', () => {
  const other = createSignInLinks(KEY, () => now);
  const [one, two] = [links.issue('ben@example.com'), links.issue('ben@example.com')];
  expect(other.open(one)).toEqual({ id: expect.stringMatching(/^[0-9a-f]{32}$/), reviewer: 'ben@example.com' });
  expect(other.open(one)).toEqual(links.open(one));
  expect(links.open(two)!.id).not.toBe(links.open(one)!.id);
});

test('a sign-in link can be opened for five minutes, and not before it was made', () => {
  const secret = links.issue('ben@example.com');
  const made = now;
  now = made + SIGN_IN_LINK_LIFE - 1;
  expect(links.open(secret)).not.toBeNull();
  now = made + SIGN_IN_LINK_LIFE;
  expect(links.open(secret)).toBeNull();
  now = made - 3_600_000;
  expect(links.open(secret)).toBeNull();
  now = made;
});

test('a sign-in link of another key, a changed one and any other text open nothing', () => {
  const secret = links.issue('ben@example.com');
  const flipped = Buffer.from(secret.slice('hp_link_'.length), 'base64url');
  flipped[20]! ^= 1;
  for (const bad of [
    createSignInLinks(Buffer.alloc(32, 9), () => now).issue('ben@example.com'),
    `hp_link_${flipped.toString('base64url')}`,
    secret.slice('hp_link_'.length),
    'hp_link_',
    '',
    `hp_link_${'A'.repeat(5000)}`,
  ]) {
    expect([bad.slice(0, 40), links.open(bad)]).toEqual([bad.slice(0, 40), null]);
  }
});

test('a sign-in link that is written in another way has the same id, so it cannot be used again', () => {
  const secret = links.issue('ben@example.com');
  const { id } = links.open(secret)!;
  for (const written of [`${secret}=`, `${secret}\n`, secret.slice(0, 8) + secret.slice(8).replaceAll('_', '/')]) {
    expect([id, undefined]).toContain(links.open(written)?.id);
  }
});

test('a sign-in link does not tell for whom it is', () => {
  const secret = links.issue('ben@example.com');
  expect(Buffer.from(secret.slice('hp_link_'.length), 'base64url').toString('latin1')).not.toContain('ben');
});
