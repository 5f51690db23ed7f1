import type { CallFilter as ApiFilter } from '../../../gateway/domain/call-log.ts';

/** The filters of `GET /api/calls`. */
export const FILTERS = [
  'text',
  'agent',
  'owner',
  'on_behalf_of',
  'system',
  'operation',
  'method',
  'path',
  'resource',
  'verdict',
  'rule',
  'trigger',
  'policy_revision',
  'session',
  'task',
  'status',
  'code',
  'failure',
  'hold_id',
  'decision_id',
  'trace_id',
  'node',
  'from',
  'to',
] as const satisfies readonly (keyof ApiFilter)[];

export type FilterName = (typeof FILTERS)[number];

export const PERIODS = { '1h': 'last hour', '24h': 'last day', '7d': 'last 7 days', '30d': 'last 30 days' } as const;

const HOUR = 3_600_000;
const LENGTHS: Readonly<Record<keyof typeof PERIODS, number>> = {
  '1h': HOUR,
  '24h': 24 * HOUR,
  '7d': 168 * HOUR,
  '30d': 720 * HOUR,
};

/** What of the calls is shown, as it stands in the address. */
export type CallFilter = { readonly [Name in FilterName]?: string } & { readonly period?: keyof typeof PERIODS };

/** Reads a filter from an address. What it does not know it leaves out. */
export function callFilterIn(search: Readonly<Record<string, unknown>>): CallFilter {
  const given = FILTERS.flatMap((name) => {
    const value = search[name];
    return (typeof value === 'string' && value !== '') || typeof value === 'number' ? [[name, String(value)]] : [];
  });
  const period = String(search['period']);
  return { ...Object.fromEntries(given), ...(Object.hasOwn(PERIODS, period) && { period }) };
}

/** The query of `GET /api/calls` for a filter. @param now milliseconds since the epoch, from where a period goes back */
export function searchIn({ period, ...filter }: CallFilter, now: number): Record<string, string> {
  return { ...filter, ...(period && { from: new Date(now - LENGTHS[period]).toISOString() }) };
}
