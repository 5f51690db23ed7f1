import type { Call } from '../domain/call.ts';
import type { Decision } from '../domain/decision.ts';
import { Problem } from '../domain/problem.ts';
import type { System } from '../domain/system.ts';
import { createFurtherHosts } from './further-host.ts';
import { createRequestHeaders } from './request-headers.ts';
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

export function createForwarder(systems: readonly System[]): Forwarder {
  const routes = new Map(
    systems.map((system) => {
      const { upstreamHosts = [] } = system;
      const further = new Map(upstreamHosts.map((url) => [url, createUpstream({ ...system, upstream: url })]));
      const upstream = createUpstream(system);
      return [
        system.name,
        { headers: createRequestHeaders(system), upstream, further, furtherHost: createFurtherHosts(system) },
      ];
    }),
  );
  const routeTo = (system: string) => {
    const route = routes.get(system);
    if (!route) throw new Problem('unknown-system');
    return route;
  };
  return {
    prepare(call, decision) {
      const headers = meetObligations(decision.obligations, routeTo(call.system).headers(call.headers));
      return { method: call.method, target: call.target, headers, body: call.body };
    },
    send(system, request, sink) {
      const { upstream, further, furtherHost } = routeTo(system);
      const elsewhere = furtherHost(request.target);
      if (!elsewhere) return upstream.send(request, sink);
      return further.get(elsewhere.url)!.send({ ...request, target: elsewhere.target }, sink);
    },
    async close() {
      const upstreams = [...routes.values()].flatMap(({ upstream, further }) => [upstream, ...further.values()]);
      await Promise.all(upstreams.map((upstream) => upstream.close()));
    },
  };
}
