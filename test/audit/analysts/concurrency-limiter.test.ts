import { expect, test } from 'vitest';
import { createTurnstile } from '../../../audit/analysts/concurrency-limiter.ts';

const { signal } = new AbortController();

test('lets in the next one when one leaves, in the order in which they came', async () => {
  const turnstile = createTurnstile({ places: 2, queue: 5, patience: 60_000 });
  const first = await turnstile.enter('a', signal);
  const second = await turnstile.enter('b', signal);
  const order: string[] = [];
  const third = turnstile.enter('c', signal).then((leave) => (order.push('c'), leave));
  const fourth = turnstile.enter('d', signal).then((leave) => (order.push('d'), leave));
  first();
  // Leaving twice frees one place.
  first();
  const leave = await third;
  expect(order).toEqual(['c']);
  leave();
  await fourth;
  second();
  expect(order).toEqual(['c', 'd']);
});

test('leaves the last place to others', async () => {
  const turnstile = createTurnstile({ places: 2, queue: 5, patience: 60_000 });
  const first = await turnstile.enter('a', signal);
  let entered = false;
  const second = turnstile.enter('a', signal).then(() => (entered = true));
  await turnstile.enter('b', signal);
  expect(entered).toBe(false);
  first();
  await second;
});

test('refuses when too many wait, and when it takes too long', async () => {
  const turnstile = createTurnstile({ places: 1, queue: 1, patience: 1 });
  await turnstile.enter('a', signal);
  const late = turnstile.enter('b', signal);
  await expect(turnstile.enter('c', signal)).rejects.toThrow('TOO_MANY_SIMULTANEOUS_QUERIES');
  await expect(late).rejects.toThrow('Code: 202');
});

test('forgets who went away while waiting', async () => {
  const turnstile = createTurnstile({ places: 1, queue: 5, patience: 60_000 });
  const leave = await turnstile.enter('a', signal);
  const gone = new AbortController();
  const waiting = turnstile.enter('b', gone.signal);
  gone.abort();
  await expect(waiting).rejects.toThrow('gone');
  const next = turnstile.enter('c', signal);
  leave();
  await next;
});
