import { expect, test } from 'vitest';
import { createConcurrencyLimiter } from '../../../audit/analysts/concurrency-limiter.ts';

const { signal } = new AbortController();

test('a query that ends starts the next one, in order of arrival', async () => {
  const limiter = createConcurrencyLimiter({ concurrency: 2, queue: 5, maxWait: 60_000 });
  const first = await limiter.enter('a', signal);
  const second = await limiter.enter('b', signal);
  const order: string[] = [];
  const third = limiter.enter('c', signal).then((leave) => (order.push('c'), leave));
  const fourth = limiter.enter('d', signal).then((leave) => (order.push('d'), leave));
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

test('one user cannot take every slot of the limiter', async () => {
  const limiter = createConcurrencyLimiter({ concurrency: 2, queue: 5, maxWait: 60_000 });
  const first = await limiter.enter('a', signal);
  let entered = false;
  const second = limiter.enter('a', signal).then(() => (entered = true));
  await limiter.enter('b', signal);
  expect(entered).toBe(false);
  first();
  await second;
});

test('a query is refused when the queue is full, or its wait too long', async () => {
  const limiter = createConcurrencyLimiter({ concurrency: 1, queue: 1, maxWait: 1 });
  await limiter.enter('a', signal);
  const late = limiter.enter('b', signal);
  await expect(limiter.enter('c', signal)).rejects.toThrow('TOO_MANY_SIMULTANEOUS_QUERIES');
  await expect(late).rejects.toThrow('Code: 202');
});

test('a client that leaves the queue is forgotten', async () => {
  const limiter = createConcurrencyLimiter({ concurrency: 1, queue: 5, maxWait: 60_000 });
  const leave = await limiter.enter('a', signal);
  const gone = new AbortController();
  const waiting = limiter.enter('b', gone.signal);
  gone.abort();
  await expect(waiting).rejects.toThrow('gone');
  const next = limiter.enter('c', signal);
  leave();
  await next;
});
