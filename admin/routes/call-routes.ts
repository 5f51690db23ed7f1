import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { CallFilter, CallLog, CallSummary } from '../../gateway/domain/call-log.ts';
import type { Event } from '../../gateway/domain/event.ts';
import { parseExactly } from '../../gateway/json/exact-json.ts';
import { iso } from '../../gateway/domain/time.ts';
import { AdminProblem } from '../api/problems.ts';
import * as schemas from '../api/schemas.ts';

/** Searches recorded calls, and shows one in full. */
export function callRoutes(calls: CallLog): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/calls',
      {
        schema: {
          summary: 'Recorded calls that match every filter, newest first',
          querystring: schemas.callQuery,
          response: { 200: schemas.callPage, ...schemas.problemResponses(401, 422, 503) },
        },
      },
      async ({ query }) => {
        const { cursor, limit, ...filter } = query;
        const found = await answered(calls.search(filter as CallFilter, { limit, ...(cursor && { cursor }) }));
        return { ...found, items: found.items.map(owned) };
      },
    );

    app.get(
      '/calls/:id',
      {
        schema: {
          summary: 'One call with all its events in order',
          params: schemas.callParams,
          response: { 200: schemas.callStory, ...schemas.problemResponses(401, 404, 422, 503) },
        },
      },
      async ({ params }) => {
        const story = await answered(calls.story(params.id));
        if (!story) throw new AdminProblem('not-found', { detail: `The audit record has no call ${params.id}.` });
        const { call, events, places, source } = story;
        return { call: call && owned(call), events: events.map(told), places: [...places], source };
      },
    );
  };
}

async function answered<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (cause) {
    throw new AdminProblem('record-unavailable', { cause });
  }
}

/** A copy with mutable arrays, as the response schema requires. */
export function owned(call: CallSummary) {
  return { ...call, rules: [...call.rules], on_behalf_of: [...call.on_behalf_of] };
}

/** An event for people: empty members left out, times in RFC 3339, the input as JSON with every digit. */
function told({ at, event_id, type, input, ...event }: Event) {
  const said = Object.entries(event).filter(([, value]) => !isEmpty(value));
  return {
    at: iso(at),
    event_id,
    type,
    ...Object.fromEntries(said),
    ...(input && { input: parseExactly(input) }),
  };
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === '' || value === 0 || (Array.isArray(value) && value.length === 0);
}
