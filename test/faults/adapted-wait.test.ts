import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPlace, eventually, held, TOKEN, type Place } from '../helpers/gateway.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';

let upstream: Upstream;
let place: Place;

beforeAll(async () => {
  upstream = await startUpstream((_received, response) => response.writeHead(200).end('{}'));
  place = await createPlace(upstream.url, { workers: 2 });
});

afterAll(async () => {
  await place.remove();
  await upstream.close();
});

test('a client that left one worker is answered before its time-out by all of them', async () => {
  const gateway = await place.start();
  /** The status of a held call by a client that waits three seconds, on a connection of its own; 0 once it left. */
  const status = (name: string) =>
    new Promise<number>((resolve) => {
      const { method, path, body } = held(name);
      const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', 'user-agent': 'httpx' };
      const options = { method, headers, agent: false as const, signal: AbortSignal.timeout(3_000) };
      const sent = request(`${gateway.url}${path}`, options, (response) => {
        response.resume();
        resolve(response.statusCode!);
      });
      sent.on('error', () => resolve(0));
      sent.end(body);
    });
  expect(await status('first')).toBe(0);
  await eventually('each worker has heard of it', async () => {
    const all = await Promise.all(Array.from({ length: 12 }, (_, index) => status(`again-${index}`)));
    return all.every((each) => each === 503);
  });
  await gateway.stop();
});
