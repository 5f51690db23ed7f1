import { z } from 'zod';
import type { Decision, Obligation } from '../domain/decision.ts';
import { isReserved } from './headers.ts';

const setHeader = z
  .strictObject({
    type: z.literal('set-header'),
    name: z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/),
    value: z.string().regex(/^[\t\x20-\x7e]*$/),
  })
  .refine(({ name }) => !isReserved(name.toLowerCase()));

/**
 * Turns a decision whose obligations the gateway cannot meet into a block: an allowance that depends on something
 * unknown is no allowance. Known is `set-header`, which replaces a request header.
 */
export function blockUnmetObligations(decision: Decision): Decision {
  const unmet = decision.obligations.find((obligation) => !setHeader.safeParse(obligation).success);
  if (!unmet) return decision;
  const reason = `Policy demands something that the gateway cannot do (obligation ${JSON.stringify(unmet.type)}).`;
  return { ...decision, verdict: 'block', reason, terms: null, cost: null, obligations: [] };
}

/** Carries out what policy demands of a call, on the headers (lowercase names) about to be sent. */
export function meetObligations(obligations: readonly Obligation[], headers: string[]): string[] {
  let result = headers;
  for (const obligation of obligations) {
    const { name, value } = setHeader.parse(obligation);
    const header = name.toLowerCase();
    result = result.filter((_, i) => result[i - (i % 2)] !== header);
    result.push(header, value);
  }
  return result;
}
