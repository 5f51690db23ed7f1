import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';

/** Serves the OpenAPI document, generated from the schemas that validate requests. Register before the routes. */
export async function describeApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Holdpoint',
        description:
          "For reviewers and operators. Every write on a hold carries If-Match with the hold's ETag; errors are problem details (RFC 9457) with a stable code.",
        version: '1',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: {
          reviewer: { type: 'http', scheme: 'bearer' },
          console: { type: 'apiKey', in: 'cookie', name: 'holdpoint_session' },
        },
      },
      security: [{ reviewer: [] }, { console: [] }],
    },
    transform: jsonSchemaTransform,
  });
}
