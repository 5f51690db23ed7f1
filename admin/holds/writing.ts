import type { z } from 'zod';
import { holdWriteHeaders, problemResponses } from '../api/schemas.ts';
import { contextPackage, holdParams } from '../api/hold-schemas.ts';

/** The schema of a route that changes a hold: it asks for If-Match, and answers with the hold as it is then. */
export function writing<Body extends z.ZodType>(summary: string, body: Body) {
  return {
    schema: {
      summary,
      params: holdParams,
      headers: holdWriteHeaders,
      body,
      response: {
        200: contextPackage,
        ...problemResponses(400, 401, 403, 404, 409, 412, 413, 415),
        ...problemResponses(422, 423, 428, 503),
      },
    },
  };
}
