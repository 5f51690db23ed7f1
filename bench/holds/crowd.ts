import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { LOAD_CORE, pin } from '../child.ts';
import { heldRefund } from './refund.ts';
import { countWaiting, untilWaiting } from './waiting-callers.ts';

/** Callers who wait at holds, each on a connection and with a call of its own. */
export type Crowd = {
  /** They hang up; resolves when the last connection is closed. @throws Error when one of them did not wait until now */
  leave(): Promise<void>;
};

export type CrowdJob = {
  /** `http://host:port`, as the gateway tells them. */
  readonly agents: string;
  readonly admin: string;
  readonly token: string;
  readonly callers: number;
  /** Calls are numbered from here: a number twice would be the same call, and wait at the same hold. */
  readonly from: number;
};

type Report = { readonly waiting: number } | { readonly failed: string };

/** Callers who begin to wait together. */
const AT_ONCE = 250;

/**
 * Sends the crowd from a process of its own, and resolves when every caller waits.
 * @throws Error when a caller gets an answer instead, or not all of them wait
 */
export async function gather(job: CrowdJob, progress: (waiting: number) => void): Promise<Crowd> {
  const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(job)]);
  const ended = once(child, 'exit');
  pin(child.pid!, LOAD_CORE);
  const everybodyWaits = Promise.withResolvers<void>();
  let broken: Error | null = null;
  const fail = (reason: string): void => {
    broken ??= new Error(reason);
    everybodyWaits.reject(broken);
  };
  child.on('message', (report: Report) => {
    if ('failed' in report) return fail(report.failed);
    progress(report.waiting);
    if (report.waiting === job.callers) everybodyWaits.resolve();
  });
  let isLeaving = false;
  child.once('exit', () => isLeaving || fail('the callers ended by themselves'));
  const leave = async () => {
    isLeaving = true;
    if (child.connected) child.disconnect();
    await ended;
    if (broken) throw broken;
  };
  await everybodyWaits.promise.catch(leave);
  return { leave };
}

async function crowd({ agents, admin, token, callers, from }: CrowdJob): Promise<void> {
  const tell = (report: Report) => process.send?.(report);
  const { hostname: host, port, host: authority } = new URL(agents);

  function call(number: number): void {
    const { method, path, headers, body } = heldRefund(number, token);
    const head = [`${method} ${path} HTTP/1.1`, `host: ${authority}`, `content-length: ${Buffer.byteLength(body)}`];
    for (const [name, value] of Object.entries(headers)) head.push(`${name}: ${value}`);
    const socket = connect({ host, port: Number(port), noDelay: true });
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
    socket.on('data', (answer) => tell({ failed: `a caller was answered: ${answer.toString().slice(0, 500)}` }));
    socket.on('error', (error) => tell({ failed: `a caller's connection broke: ${error.message}` }));
    socket.on('close', () => tell({ failed: 'a caller was hung up on' }));
  }

  const before = await countWaiting(admin);
  for (let sent = 0; sent < callers;) {
    const batch = Math.min(AT_ONCE, callers - sent);
    for (let i = 0; i < batch; i += 1) call(from + sent + i);
    sent += batch;
    await untilWaiting(admin, before + sent);
    tell({ waiting: sent });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.on('disconnect', () => process.exit(0));
  await crowd(JSON.parse(process.argv[2] ?? '') as CrowdJob).catch((error: Error) =>
    process.send?.({ failed: error.message } satisfies Report),
  );
}
