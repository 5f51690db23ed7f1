import type { AddressInfo } from 'node:net';
import { buildAdmin } from '../../admin/server.ts';
import { createAmend } from '../../gateway/holds/amend.ts';
import { amendCall, changedPlaces } from '../../gateway/describe/http/amend.ts';
import { UnknownReport } from '../../gateway/domain/report.ts';
import { openables } from '../../gateway/holds/coverage.ts';
import { transition } from '../../gateway/holds/machine.ts';
import { approvedBy, demands } from '../../gateway/holds/quorum.ts';
import { createSignInLinks } from '../../gateway/identify/sign-in-links.ts';
import { createReviewerDirectory } from '../../gateway/identify/token.ts';
import { createDigest } from '../../gateway/holds/binding.ts';
import { REVIEWER_TOKEN, type DataPlane } from './data-plane.ts';
import { emptyCallLog, emptyReviewRecord } from './call-log.ts';

/** The admin API on a data plane's store, on a socket. BEN signs in with REVIEWER_TOKEN. */
export async function startAdmin(plane: DataPlane): Promise<{ url: string; close(): Promise<void> }> {
  const { agents, reviewers, systems } = plane.config;
  const digest = createDigest(new Map(systems.map((system) => [system.name, system])));
  const app = buildAdmin({
    ...plane.store,
    transition,
    demands: (hold) => demands(hold).map((demand) => ({ ...demand, approvals: approvedBy(hold, demand) })),
    openables,
    looked: () => {},
    inFlight: async () => ({ work: [], others: 0, complete: true }),
    toolDefinition: plane.store.tools.latest,
    amend: createAmend({
      decide: (input) => plane.decider.decide(input),
      digest,
      edit: { amendCall, changedPlaces },
      repeated: async () => null,
    }),
    changedPlaces,
    bodySchema: () => null,
    peopleToLift: () => 1,
    people: () => reviewers,
    agents: () => agents,
    dayUsage: () => null,
    systems: () => systems.map(({ name }) => name),
    declaredOperations: async () => [],
    config: () => ({ since: 0, needsRestart: [], refused: null }),
    calls: emptyCallLog,
    reviews: emptyReviewRecord,
    reports: { list: () => [], run: () => Promise.reject(new UnknownReport('There are no reports here.')) },
    policy: {
      status: () => ({ revision: plane.decider.revision(), activatedAt: null, rules: [], sources: [], refused: null }),
      evaluate: (input) => plane.decider.decide(JSON.stringify(input)),
      misfits: () => [],
      ruleText: () => null,
    },
    authenticate: createReviewerDirectory(reviewers),
    tokenHashes: () => [],
    links: createSignInLinks(Buffer.alloc(32), Date.now),
    consoleUrl: () => new URL('http://127.0.0.1'),
    consoleFiles: '/nowhere',
    metrics: { contentType: plane.registry.contentType, render: () => plane.registry.metrics() },
    readiness: () => ({ ready: true, checks: {} }),
    log: { info() {}, error() {} },
    clock: Date.now,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`,
    close: () => app.close(),
  };
}

/** Acts as a reviewer's script: finds the waiting hold, reads it, and decides with its ETag. */
export async function decide(
  admin: { url: string },
  action: 'approve' | 'reject',
  body: object = {},
): Promise<{ status: number; hold_id: string }> {
  const authorization = `Bearer ${REVIEWER_TOKEN}`;
  for (;;) {
    const list = await fetch(`${admin.url}/api/holds?status=pending`, { headers: { authorization } });
    const { items } = (await list.json()) as { items: { hold_id: string }[] };
    const hold_id = items[0]?.hold_id;
    if (hold_id === undefined) continue;
    const hold = await fetch(`${admin.url}/api/holds/${hold_id}`, { headers: { authorization } });
    await hold.json();
    const decided = await fetch(`${admin.url}/api/holds/${hold_id}/${action}`, {
      method: 'POST',
      headers: { authorization, 'if-match': hold.headers.get('etag') ?? '', 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    await decided.json();
    return { status: decided.status, hold_id };
  }
}
