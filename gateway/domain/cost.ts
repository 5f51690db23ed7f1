import { z } from 'zod';

/** More than this, in whatever unit, is a mistake; one such call would spoil every sum. */
export const HIGHEST_COST = 1e12;

export const costAmount = z
  .number({ error: 'expected a number' })
  .min(0, 'expected no negative number')
  .max(HIGHEST_COST, `expected at most ${HIGHEST_COST}`);
export const costUnit = z
  .string({ error: 'expected a unit, such as EUR, tokens or credits' })
  .regex(/^[A-Za-z][\w-]{0,31}$/, 'expected a unit, such as EUR, tokens or credits');

/** What a call costs, in a currency or in anything else that is counted. */
export type Cost = { readonly amount: number; readonly unit: string };

export const costMember = z.strictObject({ amount: costAmount, unit: costUnit });
