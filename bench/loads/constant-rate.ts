import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { BenchRequest, Load } from '../plan.ts';

/**
 * Open-loop load: a call begins every 1/rate s whether or not earlier ones were answered, on an idle connection or a
 * new one. So a stalled server is met by all the calls that a stall would meet, and none is left out of the percentiles
 * (coordinated omission). Autocannon's rate mode does not do this: each of its connections waits for its answer, then
 * sends its share of a second as fast as it can and pauses.
 *
 * A call's time runs from its first byte out to its last byte in. That the timer itself is up to a millisecond late is
 * this program's doing, not the server's; it is reported as `lateness`.
 *
 * The first second warms this program up and is in no percentile. Runs as `node constant-rate.ts JOB`, JOB a `ConstantRateJob` as JSON; prints a `Load` as JSON.
 */
export type ConstantRateJob = {
  readonly base: string;
  readonly request: BenchRequest;
  readonly rate: number;
  readonly seconds: number;
};

type Connection = { readonly socket: Socket; begun: number; received: Buffer };

/** Status of the answer in `bytes` once it is complete, or null. Reads what the peers here send: a length, or chunks. */
function statusOf(bytes: Buffer): number | null {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const head = bytes.toString('latin1', 0, end);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  const complete =
    length === undefined
      ? bytes.subarray(-5).toString('latin1') === '0\r\n\r\n'
      : bytes.length >= end + 4 + Number(length);
  return complete ? Number(head.slice(9, 12)) : null;
}

function constantRate(job: ConstantRateJob): Promise<Load> {
  const { request, rate, seconds } = job;
  const url = new URL(job.base + request.path);
  const lines = [`${request.method} ${url.pathname}${url.search} HTTP/1.1`, `host: ${url.host}`];
  for (const [name, value] of Object.entries(request.headers)) lines.push(`${name}: ${value}`);
  if (request.body) lines.push(`content-length: ${Buffer.byteLength(request.body)}`);
  const bytes = Buffer.from(`${lines.join('\r\n')}\r\n\r\n${request.body}`);

  const total = Math.round(rate * (seconds + 1));
  const latencies: number[] = [];
  let answered = 0;
  const idle: Connection[] = [];
  const open = new Set<Socket>();
  let [begun, settled, failures, lateness] = [0, 0, 0, 0];

  return new Promise((resolve) => {
    const start = performance.now();
    function settle(): void {
      settled += 1;
      if (settled < total) return;
      for (const socket of open) socket.destroy();
      latencies.sort((a, b) => a - b);
      const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0;
      const took = (performance.now() - start) / 1000;
      resolve({ calls: answered, seconds: took, failures, p50: at(0.5), p99: at(0.99), lateness });
    }
    function dial(): Connection {
      const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
      const connection: Connection = { socket, begun: 0, received: Buffer.alloc(0) };
      open.add(socket);
      socket.on('data', (chunk: Buffer) => {
        connection.received = connection.received.length === 0 ? chunk : Buffer.concat([connection.received, chunk]);
        const status = statusOf(connection.received);
        if (status === null) return;
        if (status < 200 || status > 299) failures += 1;
        else {
          answered += 1;
          if (connection.begun - start > 1000) latencies.push(performance.now() - connection.begun);
        }
        connection.begun = 0;
        connection.received = Buffer.alloc(0);
        idle.push(connection);
        settle();
      });
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        open.delete(socket);
        const place = idle.indexOf(connection);
        if (place >= 0) idle.splice(place, 1);
        if (connection.begun === 0) return;
        failures += 1;
        settle();
      });
      return connection;
    }
    function tick(): void {
      const now = performance.now();
      while (begun < total && begun * (1000 / rate) <= now - start) {
        lateness = Math.max(lateness, now - start - begun * (1000 / rate));
        begun += 1;
        const connection = idle.pop() ?? dial();
        connection.begun = performance.now();
        connection.socket.write(bytes);
      }
      if (begun < total) setTimeout(tick, 1);
    }
    tick();
  });
}

process.stdout.write(JSON.stringify(await constantRate(JSON.parse(process.argv[2] ?? '') as ConstantRateJob)));
process.exit(0);
