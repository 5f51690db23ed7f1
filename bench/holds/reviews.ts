import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { countFailures, percentiles } from './figures.ts';
import type { Failures, Percentiles } from './figures.ts';
import { createHttpClient } from './http-client.ts';
import type { Answer } from './http-client.ts';
import { heldRefund } from './refund.ts';
import { untilWaiting } from './waiting-callers.ts';

/**
 * Agent, reviewer and upstream in one process, and so on one clock. Calls are held, each is approved through the admin
 * API, and its arrival upstream is timed. Calls and approvals begin at a steady rate, whatever happened to earlier
 * ones, each at a random moment of its interval, so that none waits for another or keeps step with a timer.
 *
 * Runs as `node reviews.ts JOB`, JOB a `ReviewsJob` as JSON; prints a `Reviews` as JSON.
 */
export type ReviewsJob = {
  readonly agents: string;
  readonly admin: string;
  readonly agentToken: string;
  readonly reviewerToken: string;
  /** Where the system is expected, on 127.0.0.1. */
  readonly upstreamPort: number;
  /** With a handle the caller is answered at once (202), and control releases; otherwise it waits on its connection. */
  readonly handle: boolean;
  readonly holds: number;
  /** Of these, so many are in no figure. */
  readonly warm: number;
  /** Calls are numbered from here. */
  readonly from: number;
};

/** Milliseconds. */
export type Reviews = {
  /** From the call until it is answered 202; null without a handle. */
  readonly opened: Percentiles | null;
  /** From sending the approval until the head of the call is at the system. */
  readonly released: Percentiles;
  /** From sending the approval until its answer is there. */
  readonly answered: Percentiles;
  readonly failures: Failures;
};

const CALLS_PER_SECOND = 50;
const APPROVALS_PER_SECOND = 20;
const PATIENCE = 10_000;

async function reviews(job: ReviewsJob): Promise<Reviews> {
  const { admin, handle, holds, warm, from } = job;
  const callAgents = createHttpClient(job.agents);
  const callAdmin = createHttpClient(admin);
  const reviewer = { authorization: `Bearer ${job.reviewerToken}` };
  const failures: string[] = [];
  const arrivals = new Map<string, PromiseWithResolvers<number>>();
  const arrival = (charge: string): PromiseWithResolvers<number> => {
    const known = arrivals.get(charge) ?? Promise.withResolvers<number>();
    arrivals.set(charge, known);
    return known;
  };

  const system = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const at = performance.now();
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.once('end', () => {
      arrival((JSON.parse(body) as { charge: string }).charge).resolve(at);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"object":"refund","status":"succeeded"}');
    });
  });
  await once(system.listen(job.upstreamPort, '127.0.0.1'), 'listening');

  function call(index: number): Promise<Answer> {
    const refund = heldRefund(from + index, job.agentToken);
    const { body } = refund;
    const length = { 'content-length': String(Buffer.byteLength(body)) };
    const headers = { ...refund.headers, ...length, ...(handle && { prefer: 'respond-async' }) };
    return callAgents({ ...refund, headers });
  }

  /** Identifiers of everything that waits for people. */
  async function readQueue(): Promise<string[]> {
    const found: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const path = `/api/holds?status=pending&limit=200${cursor && `&cursor=${cursor}`}`;
      const page = JSON.parse((await callAdmin({ method: 'GET', path, headers: reviewer })).text) as Page;
      found.push(...page.items.map(({ hold_id }) => hold_id));
      cursor = page.next;
    }
    return found;
  }

  const begun: Promise<Answer>[] = [];
  await atRate(holds, CALLS_PER_SECOND, async (index) => {
    const answer = call(index);
    answer.catch(() => {});
    begun.push(answer);
    if (handle) await answer;
  });
  if (!handle) await untilWaiting(admin, holds);
  const queue = await readQueue();
  if (queue.length !== holds) failures.push(`${queue.length} calls are held, not ${holds}`);

  const approved = await atRate(queue.length, APPROVALS_PER_SECOND, async (index) => {
    const headers = { ...reviewer, 'content-type': 'application/json', 'if-match': '"1"' };
    const answer = await callAdmin({ method: 'POST', path: `/api/holds/${queue[index]}/approve`, headers, body: '{}' });
    if (answer.status !== 200) return void failures.push(`an approval was answered ${answer.status}`);
    // Only now is known which call it was; it may have arrived long ago.
    const { action } = JSON.parse(answer.text) as { action: { body: { charge: string } } };
    const at = await Promise.race([arrival(action.body.charge).promise, pause(PATIENCE, null, { ref: false })]);
    if (at === null) return void failures.push('a call did not arrive within 10 s of its approval');
    return { released: at - answer.sentAt, answered: answer.answeredAt - answer.sentAt };
  });
  const answers = await Promise.all(begun);
  for (const { status } of answers) {
    if (status !== (handle ? 202 : 200)) failures.push(`a call was answered ${status}`);
  }
  const counted = approved.slice(warm).filter((each) => each !== undefined);
  if (counted.length === 0) throw new Error(`nothing was released: ${[...new Set(failures)].join('; ')}`);
  return {
    opened: handle ? percentiles(answers.slice(warm).map(({ sentAt, answeredAt }) => answeredAt - sentAt)) : null,
    released: percentiles(counted.map(({ released }) => released)),
    answered: percentiles(counted.map(({ answered }) => answered)),
    failures: countFailures(failures),
  };
}

type Page = { readonly items: { readonly hold_id: string }[]; readonly next: string | null };

/** Begins one piece of work in each 1/rate s, at a random moment in it, however long the others take. */
async function atRate<T>(count: number, rate: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const start = performance.now();
  const begun: Promise<T>[] = [];
  for (let index = 0; index < count; index += 1) {
    const due = start + ((index + Math.random()) * 1000) / rate;
    await pause(Math.max(0, due - performance.now()));
    begun.push(work(index));
  }
  return await Promise.all(begun);
}

process.stdout.write(JSON.stringify(await reviews(JSON.parse(process.argv[2] ?? '') as ReviewsJob)));
process.exit(0);
