import type { Obligation } from '../domain/decision.ts';
import { setHeader } from '../domain/obligation.ts';

/** Applies a decision's obligations to the request headers (lowercase names). */
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
