import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { FastifyRequest } from 'fastify';
import { identify, reviewerOf } from '../authenticate.ts';
import type { AdminDeps } from '../deps.ts';
import { createLiveStream, type LiveStream } from './live-stream.ts';
import { AdminProblem } from '../api/problems.ts';
import { flag, problemResponses } from '../api/schemas.ts';
import type { WorkNow } from '../work/work-now.ts';

const MOST_STREAMS = 256;
const MOST_STREAMS_EACH = 8;
/** Milliseconds until a stream ends after its session or its token has. */
const IDENTIFY_INTERVAL = 2_000;
/** Milliseconds between two looks at the work, while somebody watches it. */
const WORK_INTERVAL = 1_000;

const headers = z.looseObject({
  'last-event-id': z
    .string()
    .regex(/^\d{1,15}$/, 'expected the id of an event')
    .transform(Number)
    .optional()
    .describe('The id of the last event received; later changes are replayed first.'),
});

type Deps = Pick<AdminDeps, 'holds' | 'demands'> & Parameters<typeof identify>[1];

/**
 * Streams changes of holds, and the work to those who want it. One watch on the store and one look at the work serve all
 * streams, each while its person is signed in.
 */
export function streamRoute(deps: Deps, workNow: () => Promise<WorkNow>): FastifyPluginAsyncZod {
  const streams = new Map<LiveStream, string>();
  const watchingWork = new Set<LiveStream>();
  let stopWatching: (() => void) | null = null;
  let looking: NodeJS.Timeout | null = null;

  async function tellWork(): Promise<void> {
    const work = await workNow();
    for (const stream of watchingWork) stream.tellWork(work);
  }

  function watchWork(stream: LiveStream): void {
    watchingWork.add(stream);
    looking ??= setInterval(() => void tellWork(), WORK_INTERVAL).unref();
    void tellWork();
    stream.events.once('close', () => {
      watchingWork.delete(stream);
      if (looking === null || watchingWork.size > 0) return;
      clearInterval(looking);
      looking = null;
    });
  }

  function open(request: FastifyRequest, since: number | null): LiveStream {
    const person = reviewerOf(request);
    const own = [...streams.values()].filter((each) => each === person.id).length;
    if (own >= MOST_STREAMS_EACH || streams.size >= MOST_STREAMS) throw new AdminProblem('too-many-streams');
    stopWatching ??= deps.holds.watch((hold) => {
      for (const stream of streams.keys()) stream.tell(hold);
    });
    const stream = createLiveStream(deps, person, since);
    streams.set(stream, person.id);
    // A store that does not answer ends the stream as well: its client comes back and identifies itself again.
    const isSignedIn = async () => (await identify(request, deps).catch(() => null)) !== null;
    const checking = setInterval(async () => (await isSignedIn()) || stream.end(), IDENTIFY_INTERVAL).unref();
    stream.events.once('close', () => {
      clearInterval(checking);
      streams.delete(stream);
      if (streams.size > 0) return;
      stopWatching?.();
      stopWatching = null;
    });
    return stream;
  }

  return async (app) => {
    app.addHook('preClose', async () => {
      for (const stream of streams.keys()) stream.end();
    });

    app.get(
      '/stream',
      {
        exposeHeadRoute: false,
        schema: {
          summary:
            'Server-sent events: each changed hold at least once, as in the list. The higher version is newer; after `reset` read the list again',
          headers,
          querystring: z.looseObject({
            work: flag
              .default(false)
              .describe(
                'Also what agents do now, as `GET /api/work` tells it, once a second if it changed: event `work`.',
              ),
          }),
          response: {
            200: { description: 'Events', content: { 'text/event-stream': { schema: z.string() } } },
            ...problemResponses(401, 422, 429, 503),
          },
        },
      },
      async (request, reply) => {
        const stream = open(request, request.headers['last-event-id'] ?? null);
        if (request.query.work) watchWork(stream);
        // Without this, nginx buffers events.
        return await reply
          .type('text/event-stream')
          .header('x-accel-buffering', 'no')
          .send(stream.events as never);
      },
    );
  };
}
