import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { BenchRequest, Load } from '../plan.ts';
import { createAnswerReader } from './answer-reader.ts';
import type { Answer, AnswerReader } from './answer-reader.ts';
import { createLatencies } from './latencies.ts';
import { keepTime, now } from './metronome.ts';

/**
 * Open-loop load: calls begin by a schedule, whether or not earlier ones were answered, each on an idle connection or a
 * new one. A call's time runs from the moment at which it **should have begun** until its last byte is in. So a server
 * that stalls is met by all the calls that a stall would meet, each with the whole of its wait, and the same is true when
 * it is this program that was kept from running (coordinated omission; Gil Tene's wrk2 corrects it this way).
 *
 * The first second warms both sides up and is in no percentile. Calls that have no answer 10 s after the last one began
 * are failures. Runs as `node constant-rate.ts` and reads a `ConstantRateJob` as JSON from its input; prints an `OpenLoad` as JSON.
 */
export type ConstantRateJob = {
  readonly base: string;
  readonly request: BenchRequest;
  /** Calls per second. */
  readonly rate: number;
  readonly seconds: number;
};

/** `calls` and `seconds` are with the first second, `lateness` and percentiles without. Times are milliseconds. */
export type OpenLoad = Load & {
  readonly p90: number;
  readonly p999: number;
  readonly max: number;
  /** How late, at worst, and in 90 and 99 of 100 cases at most, this program began a call. It is in the other times. */
  readonly lateness: number;
  readonly lateness90: number;
  readonly lateness99: number;
  /** So many calls begin at once: more than one above 5,000 calls a second. */
  readonly burst: number;
  /** Share of a core that this program used. */
  readonly ownBusy: number;
};

const WARM = 1_000;
const PATIENCE = 10_000;
/** Waking up more often than this (ms) would cost more than it tells. */
const SHORTEST_BEAT = 0.2;
const MOST_CONNECTIONS = 4_096;

/** Above these a figure says more about this program than about the peer. */
const LATE = 1;
const BUSY = 0.85;

type Connection = { readonly socket: Socket; begun: boolean; due: number; reader: AnswerReader };

/** @throws never for what the server does: that is counted */
export function constantRate({ base, request, rate, seconds }: ConstantRateJob): Promise<OpenLoad> {
  const url = new URL(base + request.path);
  const payloads = (request.bodies ?? [request.body]).map((body) => bytesOf(request, url, body));
  const total = Math.round(rate * (seconds + WARM / 1000));
  const burst = Math.ceil((rate * SHORTEST_BEAT) / 1000);
  const interval = (burst * 1000) / rate;
  // Time for the thread that keeps the beat to be there.
  const start = now() + 200;
  const dueAt = (call: number): number => start + Math.floor(call / burst) * interval;

  const latencies = createLatencies(total);
  const lateness = createLatencies(total);
  const idle: Connection[] = [];
  const open = new Set<Socket>();
  const buffer = Buffer.alloc(65_536);
  let [begun, answered, failures, unsent] = [0, 0, 0, 0];
  let warm: { readonly at: number; readonly cpu: NodeJS.CpuUsage } | null = null;
  let ownBusy = 0;
  let patience: NodeJS.Timeout | undefined;
  const done = Promise.withResolvers<OpenLoad>();

  function settle(): void {
    if (begun < total || answered + failures < total) return;
    clearTimeout(patience);
    for (const socket of open) socket.destroy();
    const late = lateness.at(0.99);
    done.resolve({
      calls: answered,
      seconds: (now() - start) / 1000,
      failures,
      p50: latencies.at(0.5),
      p90: latencies.at(0.9),
      p99: latencies.at(0.99),
      p999: latencies.at(0.999),
      max: latencies.at(1),
      lateness: lateness.at(1),
      lateness90: lateness.at(0.9),
      lateness99: late,
      burst,
      ownBusy,
      saturated: saturation(late, ownBusy, unsent),
    });
  }
  function ended(connection: Connection, answer: Answer | null): void {
    connection.begun = false;
    if (answer === null || answer.status < 200 || answer.status > 299) failures += 1;
    else {
      answered += 1;
      if (connection.due - start >= WARM) latencies.add(now() - connection.due);
    }
    if (answer?.reusable && !connection.socket.destroyed) {
      connection.reader = createAnswerReader(request.method);
      idle.push(connection);
    } else connection.socket.destroy();
    settle();
  }
  function dial(): Connection {
    const socket = connect({
      host: url.hostname,
      port: Number(url.port || 80),
      noDelay: true,
      // One buffer for all: what comes in is read before the next piece is.
      onread: { buffer, callback: (count) => received(connection, buffer.subarray(0, count)) },
    });
    const connection: Connection = { socket, begun: false, due: 0, reader: createAnswerReader(request.method) };
    open.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      open.delete(socket);
      const place = idle.indexOf(connection);
      if (place >= 0) idle.splice(place, 1);
      if (connection.begun) ended(connection, connection.reader.end());
    });
    return connection;
  }
  function received(connection: Connection, piece: Buffer): boolean {
    try {
      const answer = connection.begun ? connection.reader.read(piece) : null;
      if (answer !== null) ended(connection, answer);
    } catch {
      connection.socket.destroy();
    }
    return true;
  }
  function begin(due: number): void {
    const connection = idle.pop() ?? (open.size < MOST_CONNECTIONS ? dial() : null);
    if (connection === null) {
      unsent += 1;
      failures += 1;
      return;
    }
    connection.begun = true;
    connection.due = due;
    connection.socket.write(payloads[begun % payloads.length]!);
  }

  keepTime({ start, interval, count: Math.ceil(total / burst) }, () => {
    const at = now();
    if (begun === total) return;
    if (warm === null && at - start >= WARM) warm = { at, cpu: process.cpuUsage() };
    for (; begun < total && dueAt(begun) <= at; begun += 1) {
      if (dueAt(begun) - start >= WARM) lateness.add(now() - dueAt(begun));
      begin(dueAt(begun));
    }
    if (begun < total) return;
    if (warm !== null) {
      const { user, system } = process.cpuUsage(warm.cpu);
      ownBusy = (user + system) / 1000 / (now() - warm.at);
    }
    patience = setTimeout(() => {
      for (const socket of open) socket.destroy();
    }, PATIENCE);
    settle();
  });
  return done.promise;
}

function bytesOf({ method, headers }: BenchRequest, url: URL, body: string): Buffer {
  const fields = Object.entries({
    host: url.host,
    ...headers,
    ...(body && { 'content-length': String(Buffer.byteLength(body)) }),
  });
  const lines = [`${method} ${url.pathname}${url.search} HTTP/1.1`, ...fields.map((field) => field.join(': '))];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
}

/** Why this program, and not the server, is what the figures tell of; null when it is not. */
function saturation(late: number, busy: number, unsent: number): string | null {
  if (unsent > 0) return `${unsent} calls found no connection: ${MOST_CONNECTIONS} were waiting for answers`;
  if (late > LATE) return `one call in a hundred began more than ${late.toFixed(1)} ms late`;
  if (busy > BUSY) return `the load used ${Math.round(busy * 100)} % of a core for itself`;
  return null;
}

if (import.meta.main) {
  const job = JSON.parse(readFileSync(0, 'utf8')) as ConstantRateJob;
  process.stdout.write(JSON.stringify(await constantRate(job)));
}
