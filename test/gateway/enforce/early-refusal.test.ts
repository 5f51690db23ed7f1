import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';

const EIGHT_MB = 'x'.repeat(8_000_000);

let upstream: Upstream;
let plane: DataPlane;

beforeAll(async () => {
  upstream = await startUpstream();
  plane = await startDataPlane({
    systems: { pay: { upstream: upstream.url, body_limit: '1MiB' } },
    rego: { 'pay.rego': 'package rules.pay\n\nallow contains {"rule": "all"} if true\n' },
  });
});

afterAll(async () => {
  expect(upstream.received).toHaveLength(0);
  await plane?.close();
  await upstream?.close();
});

/** Writes a whole request without reading, then reads the answer, as many clients do. */
async function writeThenRead(head: readonly string[]): Promise<string> {
  const socket = connect(Number(new URL(plane.url).port), '127.0.0.1').pause();
  const lines = ['POST /pay/x HTTP/1.1', 'host: a', 'content-type: text/plain', ...head];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.write(EIGHT_MB, () => resolve());
  });
  return text(socket);
}

test('a client that writes 8 MB before it reads is told that its body is too large (psf/requests#2422)', async () => {
  const answer = await writeThenRead([`authorization: Bearer ${TOKEN}`, 'content-length: 8000000']);
  expect(answer).toMatch(/^HTTP\/1\.1 413 [^]*"code":"body-too-large"/);
});

test('a client that writes 8 MB before it reads is told that its token is unknown', async () => {
  const answer = await writeThenRead(['authorization: Bearer nobody', 'content-length: 8000000']);
  expect(answer).toMatch(/^HTTP\/1\.1 401 [^]*"code":"unauthenticated"/);
});

test("node's fetch reads each time that 8 MB are too large", async () => {
  for (let i = 0; i < 5; i += 1) {
    const headers = { 'content-type': 'text/plain', authorization: `Bearer ${TOKEN}` };
    const response = await fetch(`${plane.url}/pay/x`, { method: 'POST', headers, body: EIGHT_MB });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: 'body-too-large' });
  }
});

test('a call that follows a refused body on its connection is not served (request smuggling)', async () => {
  const socket = connect(Number(new URL(plane.url).port), '127.0.0.1');
  const head = (length: number) =>
    `POST /pay/x HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${TOKEN}\r\ncontent-type: text/plain\r\ncontent-length: ${length}\r\n\r\n`;
  socket.write(head(2_000_000));
  const answer = text(socket);
  await once(socket, 'readable');
  socket.write(`${'x'.repeat(2_000_000)}${head(2)}ok`);
  expect((await answer).match(/HTTP\/1\.1 /g)).toHaveLength(1);
  expect((await plane.events()).filter(({ verdict }) => verdict === 'allow')).toEqual([]);
});

test('a caller that waits for 100 Continue reads the refusal, and its connection is closed at once', async () => {
  const socket = connect(Number(new URL(plane.url).port), '127.0.0.1');
  socket.write(
    `POST /pay/x HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${TOKEN}\r\nexpect: 100-continue\r\ncontent-length: 2000000\r\n\r\n`,
  );
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 413 /);
});
