import { z } from 'zod';
import type { DriftCheck } from '../domain/metering.ts';
import { ruleMembers } from './outcome.ts';

const entry = z.strictObject(ruleMembers);
const result = z.tuple([
  z.strictObject({ result: z.strictObject({ system: z.string(), found: z.record(z.string(), z.array(entry)) }) }),
]);

/** Reads what `holdpoint/drift` gave, as text of the result set. What cannot be read is a fault, never a finding. */
export function readDrift(text: string, policyRevision: string): DriftCheck {
  const parsed = result.safeParse(JSON.parse(text));
  if (!parsed.success) {
    const fault =
      text === '[]'
        ? 'holdpoint/drift is undefined for this input'
        : `malformed drift: ${z.prettifyError(parsed.error)}`;
    return { drift: null, fault };
  }
  const found = Object.entries(parsed.data[0].result.found).flatMap(([name, entries]) =>
    entries.map(({ rule, reason }) => {
      const id = `rules.${name}/${rule}`;
      return { id, reason: reason ?? `Rule ${id} finds that the answer contradicts the decision.` };
    }),
  );
  if (found.length === 0) return { drift: null, fault: null };
  const once = (texts: readonly string[]) => [...new Set(texts)].toSorted();
  const rules = once(found.map(({ id }) => id));
  return { drift: { rules, reason: once(found.map(({ reason }) => reason)).join(' '), policyRevision }, fault: null };
}
