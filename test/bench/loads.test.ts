import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { test } from 'vitest';
import type { TestContext } from 'vitest';
import type { ConstantRateJob, OpenLoad } from '../../bench/loads/constant-rate.ts';

const CONSTANT_RATE = fileURLToPath(import.meta.resolve('../../bench/loads/constant-rate.ts'));
const BODIES = ['{"n":1}', '{"n":22}', '{"n":333}'];

async function serveOn({ onTestFinished }: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  onTestFinished(() => void server.close().closeAllConnections());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A hundred calls a second, for the unmeasured second and one more. */
function startLoad(base: string) {
  const request = {
    method: 'POST',
    path: '/v1/refunds',
    headers: { 'x-test': 'yes' },
    body: BODIES[0]!,
    bodies: BODIES,
  } as const;
  const job: ConstantRateJob = { base, request, rate: 100, seconds: 1 };
  const child = spawn(process.execPath, [CONSTANT_RATE], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify(job));
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const found = once(child, 'close').then(() => JSON.parse(printed) as OpenLoad);
  return { found, child };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}

test.concurrent('every call of the schedule is sent, with the bodies in turn, and every answer is counted', async (context) => {
  const { expect } = context;
  const bodies: string[] = [];
  const base = await serveOn(context, async (request, response) => {
    const text = await textOf(request);
    bodies.push(text);
    expect(request.headers['content-length']).toBe(String(text.length));
    // Of every three answers one comes in pieces and one ends its connection.
    if (bodies.length % 3 === 1) response.writeHead(200, { connection: 'close' });
    if (bodies.length % 3 === 2) response.write('in ');
    response.end('pieces');
  });
  const found = await startLoad(base).found;
  expect(found).toMatchObject({ calls: 200, failures: 0, burst: 1 });
  expect(bodies.toSorted()).toEqual(Array.from({ length: 200 }, (_, call) => BODIES[call % 3]!).toSorted());
  expect(found.p50).toBeLessThanOrEqual(found.p90);
  expect(found.p99).toBeLessThanOrEqual(found.max);
});

test.concurrent('a stall delays every call that it meets, each by its whole wait', async (context) => {
  const { expect } = context;
  const held: { readonly response: ServerResponse; readonly since: number }[] = [];
  let calls = 0;
  const waits: number[] = [];
  const base = await serveOn(context, (request, response) => {
    request.resume();
    calls += 1;
    // In the middle of the measured second the server stops answering; it resumes once no more calls come.
    if (calls <= 150) return void response.end('{}');
    held.push({ response, since: performance.now() });
    if (calls < 200) return;
    for (const { response, since } of held) {
      waits.push(performance.now() - since);
      response.end('{}');
    }
  });
  const found = await startLoad(base).found;
  expect(found).toMatchObject({ calls: 200, failures: 0 });
  // A call came here after it should have begun, and its answer was there after it was sent.
  waits.sort((a, b) => a - b);
  expect(waits).toHaveLength(50);
  expect(found.max).toBeGreaterThanOrEqual(waits.at(-1)!);
  expect(found.p99).toBeGreaterThanOrEqual(waits.at(-2)!);
  expect(found.p90).toBeGreaterThanOrEqual(waits.at(-11)!);
});

test.concurrent('calls are late if the load itself was stopped, and the load says so', async (context) => {
  const { expect } = context;
  let calls = 0;
  let last = 0;
  const stopped = Promise.withResolvers<void>();
  const base = await serveOn(context, (request, response) => {
    request.resume();
    response.end('{}');
    calls += 1;
    last = performance.now();
    if (calls === 130) stopped.resolve();
  });
  const { child, found } = startLoad(base);
  await stopped.promise;
  child.kill('SIGSTOP');
  await expect.poll(() => performance.now() - last).toBeGreaterThan(200);
  const silence = performance.now() - last;
  child.kill('SIGCONT');
  const { max, lateness, saturated, failures } = await found;
  expect(failures).toBe(0);
  // The next call should have begun 10 ms after the last one that came.
  expect(lateness).toBeGreaterThan(silence - 10);
  expect(max).toBeGreaterThan(silence - 10);
  expect(saturated).toMatch(/one call in a hundred began more than \d+\.\d ms late/);
});

test.concurrent('wrong answers and broken connections are failures', async (context) => {
  const { expect } = context;
  let calls = 0;
  const base = await serveOn(context, (request, response) => {
    request.resume();
    calls += 1;
    if (calls % 100 === 10) response.writeHead(500);
    if (calls % 100 === 20) response.socket!.destroy();
    else response.end('{}');
  });
  expect(await startLoad(base).found).toMatchObject({ calls: 196, failures: 4 });
});
