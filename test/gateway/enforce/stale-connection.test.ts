import { afterEach, expect, test } from 'vitest';
import { startBareSystem, type BareSystem } from '../../helpers/bare-system.ts';
import { approve, startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const REGO = `package rules.api

allow contains {"rule": "all"} if input.action.path != "/held"

hold contains {"rule": "held", "reviewers": ["finance"]} if input.action.path == "/held"
`;

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).toReversed()) await each.close();
});

async function start(): Promise<{ system: BareSystem; plane: DataPlane; call: (path: string) => Promise<Response> }> {
  const system = await startBareSystem((socket) => socket.write(OK));
  open.push(system);
  const plane = await startDataPlane({
    systems: { api: { upstream: `http://127.0.0.1:${system.port}`, wait: '20s' } },
    rego: { 'p.rego': REGO },
  });
  open.push(plane);
  const call = (path: string) => fetch(`${plane.url}/api${path}`, { headers: { authorization: `Bearer ${TOKEN}` } });
  return { system, plane, call };
}

/** Closes the first connection at its next request. */
const closeFirst = (system: BareSystem) => {
  system.take = (socket, _arrived, number) => (number === 0 ? socket.destroy() : void socket.write(OK));
};

test('a GET on a connection that the system closed is answered, and the record says that it went out twice', async () => {
  const { system, plane, call } = await start();
  await (await call('/a')).text();
  closeFirst(system);
  const answer = await call('/b');
  expect([answer.status, await answer.text()]).toEqual([200, 'ok']);
  await expect
    .poll(async () => (await plane.events()).at(-1))
    .toMatchObject({ type: 'call.noted', code: 'sent-again', path: '/b', status: 200 });
});

test('the record says so too if the second attempt fails', async () => {
  const { system, plane, call } = await start();
  await (await call('/a')).text();
  system.take = (socket) => socket.destroy();
  expect((await call('/b')).status).toBe(502);
  await expect
    .poll(async () => (await plane.events()).slice(-2))
    .toMatchObject([
      { type: 'call.completed', code: 'upstream-failed', status: 502 },
      { type: 'call.noted', code: 'sent-again', path: '/b', status: 502 },
    ]);
});

test('a held GET that is released on such a connection is executed, and its record says so', async () => {
  const { system, plane, call } = await start();
  await (await call('/a')).text();
  closeFirst(system);
  const answer = call('/held');
  const pending = async () => (await plane.store.holds.list({ status: 'pending', limit: 10 })).items;
  await expect.poll(async () => (await pending()).length).toBe(1);
  const [hold] = await pending();
  await approve(plane.store, hold!.id);
  expect([(await answer).status, await (await answer).text()]).toEqual([200, 'ok']);
  const steps = (await plane.store.outbox.read(0, 1000)).map(({ event }) => event);
  expect(steps).toContainEqual(expect.objectContaining({ type: 'call.noted', code: 'sent-again', hold_id: hold!.id }));
});
