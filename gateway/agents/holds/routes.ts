import type { FastifyInstance } from 'fastify';
import type { AgentHoldsDeps } from './deps.ts';
import { REQUEST_LIMIT } from './handoff-form.ts';
import { registerOpening } from './open-route.ts';
import { registerOwnHolds } from './own-routes.ts';
import { registerRelays } from './relay-routes.ts';

/** What an agent may know of holds, and do with them. One that is neither its own nor sent to it does not exist for it. */
export function registerAgentHolds(app: FastifyInstance, deps: AgentHoldsDeps): void {
  registerOwnHolds(app, deps);
  void app.register(async (scope) => {
    // Bodies are read as they are: what is handed over is given back to the digit.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: REQUEST_LIMIT }, (_request, body, done) =>
      done(null, body),
    );
    registerOpening(scope, deps);
    registerRelays(scope, deps);
  });
}
