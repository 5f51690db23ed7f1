import { countFailures } from './figures.ts';
import type { Failures } from './figures.ts';
import { createHttpClient } from './http-client.ts';
import { heldRefund } from './refund.ts';

/**
 * Holds opened and decided through the gateway, as fast as it goes: each of some callers calls with `respond-async`, has
 * the hold rejected through the admin API, and begins again.
 *
 * Runs as `node decisions.ts JOB`, JOB a `DecisionsJob` as JSON; prints `Decisions` as JSON.
 */
export type DecisionsJob = {
  readonly agents: string;
  readonly admin: string;
  readonly agentToken: string;
  readonly reviewerToken: string;
  readonly callers: number;
  readonly warmSeconds: number;
  readonly seconds: number;
  /** Calls are numbered from here. */
  readonly from: number;
};

export type Decisions = { readonly perSecond: number; readonly failures: Failures };

async function decisions(job: DecisionsJob): Promise<Decisions> {
  const callAgents = createHttpClient(job.agents);
  const callAdmin = createHttpClient(job.admin);
  const failures: string[] = [];
  const start = performance.now() + job.warmSeconds * 1000;
  const end = start + job.seconds * 1000;
  let next = job.from;
  let done = 0;

  async function caller(): Promise<void> {
    while (performance.now() < end) {
      const refund = heldRefund(next, job.agentToken);
      next += 1;
      const { body } = refund;
      const length = { 'content-length': String(Buffer.byteLength(body)) };
      const call = await callAgents({ ...refund, headers: { ...refund.headers, ...length, prefer: 'respond-async' } });
      if (call.status !== 202) {
        failures.push(`a call was answered ${call.status}`);
        continue;
      }
      const { hold_id } = JSON.parse(call.text) as { hold_id: string };
      const rejection = await callAdmin({
        method: 'POST',
        path: `/api/holds/${hold_id}/reject`,
        headers: {
          authorization: `Bearer ${job.reviewerToken}`,
          'content-type': 'application/json',
          'if-match': '"1"',
        },
        body: '{"code":"not-now"}',
      });
      if (rejection.status !== 200) failures.push(`a rejection was answered ${rejection.status}`);
      else if (performance.now() > start && performance.now() < end) done += 1;
    }
  }

  await Promise.all(Array.from({ length: job.callers }, caller));
  return { perSecond: done / job.seconds, failures: countFailures(failures) };
}

process.stdout.write(JSON.stringify(await decisions(JSON.parse(process.argv[2] ?? '') as DecisionsJob)));
process.exit(0);
