import type { Call } from '../domain/call.ts';
import type { Decision } from '../domain/decision.ts';
import { Problem } from '../domain/problem.ts';
import type { System } from '../domain/system.ts';
import { createFurtherHosts } from './further-host.ts';
import { createOwnCredential } from './own-credential.ts';
import { createRequestHeaders } from './request-headers.ts';
import { createSecretFiles, type TellSecretFile } from './secret-files.ts';
import { meetObligations } from './obligations.ts';
import type { UpstreamSink } from '../domain/upstream-sink.ts';
import type { Delivery, Outgoing } from '../wire/delivery.ts';
import { createUpstream } from '../wire/upstream.ts';

/** The parts of a call that sending needs. A held call, read back from the store, has them too. */
type Sendable = Pick<Call, 'system' | 'method' | 'target' | 'headers' | 'body'>;

export type Forwarder = {
  /** The exact request for the upstream: agent's headers filtered, credential injected, obligations met. */
  prepare(call: Sendable, decision: Pick<Decision, 'obligations'>): Outgoing;
  /** Sends the request once and streams the answer. Never rejects. */
  send(system: string, request: Outgoing, sink: UpstreamSink): Promise<Delivery>;
  close(): Promise<void>;
};

/** @throws Error for the operator, if a file with a credential cannot be used */
export function createForwarder(systems: readonly System[], tellSecretFile: TellSecretFile = () => {}): Forwarder {
  const files = createSecretFiles(tellSecretFile);
  const routes = new Map(
    systems.map((system) => {
      const { upstreamHosts = [] } = system;
      const further = new Map(upstreamHosts.map((url) => [url, createUpstream({ ...system, upstream: url })]));
      const upstream = createUpstream(system);
      const credential = createOwnCredential(system.credential, files);
      const headers = createRequestHeaders(system, credential);
      return [system.name, { headers, credential, upstream, further, furtherHost: createFurtherHosts(system) }];
    }),
  );
  const routeTo = (system: string) => {
    const route = routes.get(system);
    if (!route) throw new Problem('unknown-system');
    return route;
  };
  return {
    prepare(call, decision) {
      const route = routeTo(call.system);
      const headers = meetObligations(decision.obligations, route.headers(call.headers));
      const elsewhere = route.furtherHost(call.target);
      const target = route.credential.target(elsewhere?.target ?? call.target);
      return { method: call.method, target, headers, body: call.body, ...(elsewhere && { host: elsewhere.url }) };
    },
    send(system, request, sink) {
      const { upstream, further, credential } = routeTo(system);
      const { host } = request;
      return ((host && further.get(host)) ?? upstream).send(request, credential.mask(sink));
    },
    async close() {
      files.close();
      const upstreams = [...routes.values()].flatMap(({ upstream, further }) => [upstream, ...further.values()]);
      await Promise.all(upstreams.map((upstream) => upstream.close()));
    },
  };
}
