import { z } from 'zod';
import { costAmount, costUnit } from '../domain/cost.ts';
import type { CostEntry } from '../domain/system.ts';
import { duration, size } from '../domain/units.ts';
import { address } from './address.ts';
import { section } from './section.ts';
import { headerName, headerValue, upstreamUrl } from './values.ts';

const httpStatus = z.number().int().min(200).max(599);
const COST_SOURCES = 'expected one of answer, header and amount';
const cost = section({
  operations: z.array(z.string().min(1)).min(1).optional(),
  unit: costUnit,
  answer: z
    .string()
    .regex(/^(?:\/(?:[^~]|~[01])*)+$/, 'expected a JSON pointer, such as /usage/total_tokens')
    .optional(),
  header: headerName.optional(),
  /** Of one of what the answer counts. */
  price: costAmount.optional(),
  amount: costAmount.optional(),
}).transform(({ operations, unit, answer, header, price, amount }, ctx): CostEntry => {
  const of = { ...(operations && { operations }), unit };
  if ([answer, header, amount].filter((each) => each !== undefined).length !== 1) {
    ctx.issues.push({ code: 'custom', message: COST_SOURCES, input: null });
    return z.NEVER;
  }
  if (amount === undefined)
    return { ...of, from: answer === undefined ? { header: header! } : { answer }, price: price ?? 1 };
  if (price === undefined) return { ...of, amount };
  ctx.issues.push({ code: 'custom', path: ['price'], message: 'expected only with answer or header', input: price });
  return z.NEVER;
});

export const system = section({
  upstream: upstreamUrl,
  hosts: z.array(z.string().transform((host) => host.toLowerCase())).default([]),
  listen: address.optional(),
  openapi: z.string().optional(),
  credential: section({ header: headerName, value: headerValue }).optional(),
  agent_credential: section({ header: headerName }).default({ header: 'x-api-key' }),
  wait: duration.default(50_000),
  body_limit: size.default(2 ** 20),
  timeout: duration.default(60_000),
  connections: z.number().int().min(1).max(10_000).default(256),
  idempotent: z.boolean().default(false),
  read_back: section({
    path: z.string().regex(/^\/[\x21-\x7e]*$/, 'expected a path such as /v1/requests/{idempotency_key}'),
    executed: z.array(httpStatus).default([200]),
    not_executed: z.array(httpStatus).default([404]),
  }).optional(),
  costs: z.array(cost).optional(),
});
