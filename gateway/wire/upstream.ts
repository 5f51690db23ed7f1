import type { Socket } from 'node:net';
import { Problem } from '../domain/problem.ts';
import type { System } from '../domain/system.ts';
import { Connection, type Owner } from './connection.ts';
import type { UpstreamSink } from '../domain/upstream-sink.ts';
import type { Delivery, Outgoing } from './delivery.ts';
import { createDial } from './dial.ts';
import { createRequestHead } from './request-head.ts';
import { createResponseHeaders } from './response-headers.ts';
import { Transfer } from './transfer.ts';

export type Upstream = {
  readonly url: URL;
  /** Opens a connection that the pool does not use. */
  connect(opened: (socket: Socket) => void): Socket;
  /** Never rejects: the delivery says how it ended. */
  send(request: Outgoing, sink: UpstreamSink): Promise<Delivery>;
  close(): Promise<void>;
};

/** Callers that may queue, for each connection. */
const QUEUED_PER_CONNECTION = 8;

/** Longest time for a connection to open, in milliseconds. */
const LONGEST_CONNECT = 10_000;

/**
 * One worker's connections to one upstream, used last in, first out, so that surplus ones go idle and close.
 *
 * Requests are written at the end of the event loop's turn in which they come. By then, everything that arrived on idle
 * connections has been read: one that the upstream has closed, or sent unrequested bytes on, is not used. If the upstream
 * closes a kept connection later, a request with a safe method goes out once more, on a new connection.
 */
export function createUpstream(system: System): Upstream {
  const headOf = createRequestHead(system.upstream);
  const returned = createResponseHeaders(system);
  const dial = createDial(system);
  const limits = {
    connect: Math.min(system.timeout, LONGEST_CONNECT),
    answer: system.timeout,
    shortest: Math.min(...(system.timeouts ?? []).map(({ timeout }) => timeout)),
    answerHead: system.answerHeadLimit,
  };
  const connections = new Set<Connection>();
  const streams = new Set<Connection>();
  const idle: Connection[] = [];
  const queue: Transfer[] = [];
  let isScheduled = false;
  let isClosed = false;

  const owner: Owner = {
    freed(connection) {
      idle.push(connection);
      schedule();
    },
    lost(connection) {
      const at = idle.indexOf(connection);
      if (at >= 0) idle.splice(at, 1);
    },
    stale(connection, transfer, cause) {
      connections.delete(connection);
      const now = performance.now();
      if (isClosed) {
        transfer.fail('upstream-failed', cause, now);
        return;
      }
      transfer.repeat();
      open().begin(transfer, now);
    },
    streams(connection) {
      connections.delete(connection);
      streams.add(connection);
      schedule();
    },
    closed(connection) {
      connections.delete(connection);
      streams.delete(connection);
      schedule();
    },
  };

  function schedule(): void {
    if (isScheduled || queue.length === 0) return;
    isScheduled = true;
    setImmediate(assign);
  }

  function assign(): void {
    isScheduled = false;
    const now = performance.now();
    while (queue.length > 0) {
      const connection = take(now);
      if (!connection) return;
      const transfer = queue.shift()!;
      clearTimeout(transfer.queueTimer);
      connection.begin(transfer, now);
    }
  }

  function take(now: number): Connection | null {
    for (let kept = idle.pop(); kept; kept = idle.pop()) {
      if (kept.isKept(now)) return kept;
      void kept.close();
    }
    return connections.size < system.connections ? open() : null;
  }

  function open(): Connection {
    const fresh = new Connection(dial, limits, owner);
    connections.add(fresh);
    return fresh;
  }

  /** Queues a transfer, unless the queue is full. */
  function enqueue(transfer: Transfer): boolean {
    const free = idle.length + system.connections - connections.size - queue.length;
    if (free <= -QUEUED_PER_CONNECTION * system.connections) return false;
    queue.push(transfer);
    if (free <= 0) transfer.queueTimer = setTimeout(() => leave(transfer, overloaded()), system.timeout);
    schedule();
    return true;
  }

  function leave(transfer: Transfer, problem: Problem): void {
    const at = queue.indexOf(transfer);
    if (at < 0) return;
    queue.splice(at, 1);
    clearTimeout(transfer.queueTimer);
    transfer.refuse(problem);
  }

  return {
    url: system.upstream,
    connect: (opened) => dial(null, opened),
    send: (request, sink) =>
      new Promise((done) => {
        let transfer: Transfer;
        try {
          if (isClosed) throw new Error('the gateway has closed its connections');
          transfer = new Transfer(request, headOf(request), returned, sink, done);
        } catch (cause) {
          done({ ...UNSENT, problem: new Problem('upstream-unreachable', { cause }) });
          return;
        }
        if (!enqueue(transfer)) {
          transfer.refuse(overloaded());
          return;
        }
        sink.onGone(() => {
          if (transfer.connection) transfer.connection.abort(transfer);
          else leave(transfer, new Problem('upstream-unreachable', { cause: new Error('the caller disconnected') }));
        });
      }),
    async close() {
      isClosed = true;
      const cause = new Error('the gateway closes its connections');
      for (const transfer of queue.slice()) leave(transfer, new Problem('upstream-unreachable', { cause }));
      await Promise.all([...connections, ...streams].map((connection) => connection.close()));
    },
  };
}

const UNSENT = { status: 0, bytes: 0, upstreamMs: 0, sent: false };

function overloaded(): Problem {
  return new Problem('overloaded', { extras: { retry_after: 1 } });
}
