import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import fastify from 'fastify';
import type { FastifyInstance } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { knownReviewer, requireReviewer } from './authenticate.ts';
import { callRoutes } from './routes/call-routes.ts';
import { CONTENT_SECURITY_POLICY, serveConsole } from './console-files.ts';
import type { AdminDeps } from './deps.ts';
import { configRoute } from './routes/config-route.ts';
import { coverageRoute } from './coverage/coverage-route.ts';
import { delegationRoutes } from './routes/delegation-routes.ts';
import { createErrorHandler } from './api/error-handler.ts';
import { groupRoute } from './routes/group-route.ts';
import { grantRoutes } from './routes/grant-routes.ts';
import { holdRoutes } from './holds/routes.ts';
import { notificationRoutes } from './routes/notification-routes.ts';
import { describeApi } from './api/openapi.ts';
import { operationsRoutes } from './routes/operations-routes.ts';
import { ownNumbersRoute } from './routes/own-numbers-route.ts';
import { policyRoutes } from './routes/policy-routes.ts';
import { preferenceRoutes } from './routes/preference-routes.ts';
import { reportRoutes } from './routes/report-routes.ts';
import { sessionRoutes } from './sign-in/session-routes.ts';
import { signInRoute } from './sign-in/sign-in-route.ts';
import { stopRoutes } from './routes/stop-routes.ts';
import { streamRoute } from './routes/stream-route.ts';
import { suspensionRoutes } from './routes/suspension-routes.ts';
import { createWorkNow } from './work/work-now.ts';
import { workRoute } from './work/work-route.ts';

const BODY_LIMIT = 64 * 1024;
const REQUEST_TIMEOUT = 30_000;

/**
 * The admin listener: reviewers decide, operators observe. Everything under `/api` needs a reviewer's token or a
 * session (except signing in, and the OpenAPI document); nothing acts on GET. The caller listens and closes.
 */
export function buildAdmin(deps: AdminDeps): FastifyInstance {
  const { log } = deps;
  const app = fastify({
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT,
    forceCloseConnections: 'idle',
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(createErrorHandler(log));
  // Cross-site request forgery: a foreign web page can send a form or plain text without a preflight, but not JSON.
  app.removeContentTypeParser('text/plain');

  app.addHook('onSend', async (_request, reply) => {
    if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store');
  });
  app.addHook('onResponse', async (request, reply) => {
    if (!request.url.startsWith('/api/')) return;
    // Strangers may not fill the log.
    if (reply.statusCode === 429 && knownReviewer(request) === null) return;
    const { method, routeOptions } = request;
    const route = routeOptions.url ?? null;
    const took_ms = Math.round(reply.elapsedTime);
    log.info({ method, route, reviewer: knownReviewer(request), status: reply.statusCode, took_ms }, 'admin');
  });

  void app.register(cookie);
  void app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: CONTENT_SECURITY_POLICY },
    // What else runs on this host name, and whether all of it has TLS, is not known here.
    strictTransportSecurity: false,
    xFrameOptions: { action: 'deny' },
    referrerPolicy: { policy: 'same-origin' },
  });
  void app.register(async (root) => {
    await serveConsole(root, deps.consoleFiles);
    await describeApi(root);
    await root.register(operationsRoutes(deps));
    root.get('/api/openapi.json', { schema: { hide: true } }, async () => root.swagger());
    await root.register(signInRoute(deps), { prefix: '/api' });
    await root.register(
      async (api) => {
        requireReviewer(api, deps);
        await api.register(sessionRoutes(deps));
        await api.register(holdRoutes(deps));
        const workNow = createWorkNow(deps);
        await api.register(workRoute(deps, workNow));
        await api.register(streamRoute(deps, workNow));
        await api.register(grantRoutes(deps));
        await api.register(delegationRoutes(deps));
        await api.register(groupRoute(deps));
        await api.register(suspensionRoutes(deps));
        await api.register(stopRoutes(deps));
        await api.register(notificationRoutes(deps));
        await api.register(preferenceRoutes(deps));
        await api.register(policyRoutes(deps));
        await api.register(coverageRoute(deps));
        await api.register(configRoute(deps.config));
        await api.register(callRoutes(deps.calls));
        await api.register(reportRoutes(deps.reports));
        await api.register(ownNumbersRoute(deps));
      },
      { prefix: '/api' },
    );
  });
  return app;
}
