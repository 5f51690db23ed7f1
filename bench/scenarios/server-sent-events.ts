import { PLAIN_PEERS } from '../peer-names.ts';
import type { Scenario } from '../plan.ts';

/** Answers of language models: many small pieces, each awaited by a caller. */
export const serverSentEvents = {
  name: 'server-sent events, 64 streams of 50 a second',
  kind: 'events',
  streams: 64,
  rate: 50,
  upstream: 'events',
  request: { method: 'GET', path: '/v1/events?rate=50', headers: { accept: 'text/event-stream' }, body: '' },
  peers: PLAIN_PEERS,
} as const satisfies Scenario;

/** Callers that have what they wanted, or gave up. Whoever does not pass that on keeps the system busy for nobody. */
export const cancelledStreams = {
  ...serverSentEvents,
  name: 'cancelled streams, 64 callers',
  kind: 'cancelled',
  callers: 64,
} as const satisfies Scenario;
