import { createHeaderRoles, whyNeverVisible, type HeaderRoles, type HeaderSettings } from '../domain/header-roles.ts';
import type { PolicyTarget } from '../domain/policy-target.ts';
import type { System } from '../domain/system.ts';
import { isVisibleAnswerHeader } from '../metering/drift-input.ts';

/** What policies are checked against. @param systems the configured ones; null if no configuration is known */
export function createPolicyTarget(
  systems: readonly (Pick<System, 'name' | 'mcp'> & Partial<HeaderSettings>)[] | null,
): PolicyTarget {
  const roles = new Map(systems?.map(({ name, ...settings }) => [name, rolesOf(settings)]));
  return {
    systems: systems && systems.map(({ name }) => name),
    whyHeaderNeverThere(name, system) {
      const roleOf = system === null ? undefined : roles.get(system);
      if (roleOf) return whyNeverVisible(name, roleOf);
      // Rules for all systems see it if one system shows it. Without a configuration, a system may name it.
      const all = roles.size > 0 ? [...roles.values()] : [rolesOf({ headers: [name] })];
      const reasons = all.map((each) => whyNeverVisible(name, each));
      return reasons.includes(null) ? null : (reasons[0] ?? null);
    },
    speaksMcp: (name) => systems?.find((system) => system.name === name)?.mcp !== undefined || !roles.has(name),
    showsAnswerHeader: isVisibleAnswerHeader,
  };
}

const NO_CREDENTIAL = { header: '' };

function rolesOf(settings: Partial<HeaderSettings>): HeaderRoles {
  return createHeaderRoles({ agentCredential: NO_CREDENTIAL, ...settings });
}
