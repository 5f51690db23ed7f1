import type { Call } from '../domain/call.ts';
import type { Decision } from '../domain/decision.ts';
import { oncePerSystem } from '../domain/once-per-system.ts';
import { Problem } from '../domain/problem.ts';
import { createFurtherHosts } from '../domain/further-host.ts';
import type { FurtherHost, System } from '../domain/system.ts';
import { isMcpRequest } from '../mcp/endpoint.ts';
import { createAnswerTimeouts } from './answer-timeouts.ts';
import { asPost } from './long-query.ts';
import { createOwnCredential, type OwnCredential } from './own-credential.ts';
import { createRequestHeaders } from './request-headers.ts';
import { createSecretFiles, type TellSecretFile } from './secret-files.ts';
import { meetObligations } from './obligations.ts';
import type { UpstreamSink } from '../domain/upstream-sink.ts';
import type { Delivery, Outgoing } from '../wire/delivery.ts';
import { createUpstream, type Upstream } from '../wire/upstream.ts';

/** The parts of a call that sending needs. A held call, read back from the store, has them too. */
type Sendable = Pick<Call, 'system' | 'operation' | 'method' | 'target' | 'headers' | 'body'>;

/**
 * A request, and the only upstream that may get it: it carries that upstream's credential, and the configuration may
 * name another before it is sent.
 */
export type Prepared = Outgoing & {
  readonly upstream: Upstream;
  /** Hides the credential in the answer. */
  readonly mask: OwnCredential['mask'];
};

export type Forwarder = {
  /** The exact request for the upstream: agent's headers filtered, credential injected, obligations met. */
  prepare(call: Sendable, decision: Pick<Decision, 'obligations'>): Prepared;
  /** Sends the request once and streams the answer. Never rejects. */
  send(system: string, request: Prepared, sink: UpstreamSink): Promise<Delivery>;
  close(): Promise<void>;
};

type Route = {
  readonly headers: ReturnType<typeof createRequestHeaders>;
  /** The headers of calls that carry no credential. */
  readonly plainHeaders: ReturnType<typeof createRequestHeaders>;
  readonly credential: OwnCredential;
  readonly upstream: Upstream;
  /** Connections to the further hosts of the system. */
  readonly further: ReadonlyMap<FurtherHost, Upstream>;
  readonly furtherHost: ReturnType<typeof createFurtherHosts>;
  readonly timeoutOf: ReturnType<typeof createAnswerTimeouts>;
  readonly takesLongQueriesByPost: boolean;
  readonly isMcp: (call: Pick<Call, 'method' | 'target'>) => boolean;
};

/** The routes to systems, and the files that their credentials follow. */
type Routes = { routeTo(system: System): Route; close(): void };

/**
 * A changed system gets new connections; those of the old one carry the calls that use them, and close when they are
 * idle. `routeTo` throws an Error for the operator if a file with a credential cannot be used.
 */
export function createRoutes(tellSecretFile: TellSecretFile = () => {}): Routes {
  const files = createSecretFiles(tellSecretFile);
  const routeTo = oncePerSystem((system) => {
    const credential = createOwnCredential(system.credential, files);
    return {
      headers: createRequestHeaders(system, credential),
      plainHeaders: createRequestHeaders(system, { headers: [] }),
      credential,
      upstream: createUpstream(system),
      further: new Map(system.upstreamHosts?.map((host) => [host, upstreamAt(system, host)])),
      furtherHost: createFurtherHosts(system),
      timeoutOf: createAnswerTimeouts(system),
      isMcp: (call: Pick<Call, 'method' | 'target'>) => isMcpRequest(system, call),
      takesLongQueriesByPost: system.methodOverride === 'GET',
    };
  });
  return { routeTo, close: files.close };
}

/** Connections to a further host have the certificates and limits of their system, and a proxy of their own. */
function upstreamAt({ proxy: _ofTheSystem, ...system }: System, { url, proxy }: FurtherHost): Upstream {
  return createUpstream({ ...system, upstream: url, ...(proxy && { proxy }) });
}

export function createForwarder(systems: readonly System[], known?: Routes['routeTo']): Forwarder {
  const own = known ? null : createRoutes();
  const routeTo = known ?? own!.routeTo;
  const routes = new Map(systems.map((system) => [system.name, routeTo(system)]));
  return {
    prepare(call, decision) {
      const route = routes.get(call.system);
      if (!route) throw new Problem('unknown-system');
      const { method, body } = call;
      const elsewhere = route.furtherHost(call.target);
      const below = elsewhere?.target ?? call.target;
      // Where the URL is the credential, another one is one too many: storage services refuse such calls.
      const isPlain = elsewhere?.host.linkPass !== undefined;
      const target = isPlain ? below : route.credential.target(below);
      const sent = isPlain ? route.plainHeaders(call.headers) : route.headers(call.headers);
      const headers = meetObligations(decision.obligations, sent);
      const upstream = (elsewhere && route.further.get(elsewhere.host)) ?? route.upstream;
      const { mask } = route.credential;
      const timeout = route.timeoutOf?.(call.operation);
      const events = !route.isMcp(call) ? undefined : method === 'GET' ? 'only' : 'possible';
      // A signed URL is good for one method, and who serves it need not know of the override.
      const post = route.takesLongQueriesByPost && !isPlain ? asPost(method, target, headers, body) : null;
      if (post) return { ...post, timeout, upstream, mask };
      return { method, target, headers, body, timeout, events, upstream, mask };
    },
    send: (_system, request, sink) => request.upstream.send(request, request.mask(sink)),
    async close() {
      own?.close();
      const upstreams = [...routes.values()].flatMap(({ upstream, further }) => [upstream, ...further.values()]);
      await Promise.all(upstreams.map((upstream) => upstream.close()));
    },
  };
}
