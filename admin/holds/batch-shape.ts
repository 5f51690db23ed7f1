import { hash } from 'node:crypto';
import { rulesOf } from '../../gateway/domain/decision.ts';
import type { Hold } from '../../gateway/domain/hold.ts';
import { canonicalJson } from '../../gateway/json/exact-json.ts';

/**
 * Equal for holds that people may decide on together: the same rules hold a call of the same agent, operation, headers
 * that mean something, and names and types of members. Null for holds that are decided alone: those that policy does
 * not declare reversible, those that a person takes over, and those whose values people could not compare.
 */
export function batchShape(hold: Hold): string | null {
  if (hold.kind !== 'approval' || hold.bodyShape === undefined) return null;
  const { system, method, operation, upstream = null, envelope, rules, terms, claims } = hold;
  const { level, reversible, requirements } = terms;
  if (level !== 2 || reversible !== true || claims.reversible === false) return null;
  const holding = [...new Set(rulesOf('hold', rules).map(({ id }) => id))].toSorted();
  const asked = requirements.map(({ groups, quorum, escalate }) => JSON.stringify([groups, quorum, escalate]));
  const alike = { system, upstream, method, operation, envelope, rules: holding, asked, body: hold.bodyShape };
  return hash('sha256', canonicalJson(alike));
}
