import type { Obligation } from '../domain/decision.ts';
import { setHeader } from '../domain/obligation.ts';

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
