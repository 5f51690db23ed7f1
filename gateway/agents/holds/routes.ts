import type { FastifyInstance } from 'fastify';
import type { AgentHoldsDeps } from './deps.ts';
import { REQUEST_LIMIT } from './handoff-form.ts';
import { registerOpening } from './open-route.ts';
import { registerOwnHolds } from './own-routes.ts';
import { registerRelays } from './relay-routes.ts';

/** The agents' hold endpoints. An agent sees only its own holds and the relays sent to it. */
export function registerAgentHolds(app: FastifyInstance, deps: AgentHoldsDeps): void {
  registerOwnHolds(app, deps);
  void app.register(async (scope) => {
    // Bodies are read as bytes, so that a handoff keeps every digit.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: REQUEST_LIMIT }, (_request, body, done) =>
      done(null, body),
    );
    registerOpening(scope, deps);
    registerRelays(scope, deps);
  });
}
