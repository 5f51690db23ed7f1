import type { Peer, Scenario } from './plan.ts';

export type Choice = { readonly scenarios: readonly Scenario[]; readonly peers: readonly Peer[] };

/**
 * The scenarios and peers that `--only` names, or all of a kind if it names none. A full name means only itself. A
 * scenario that refers to another one also runs that.
 * @throws Error when a text names nothing
 */
export function choose(all: Choice, only: readonly string[]): Choice {
  const nothing = only.find((text) => named([...all.scenarios, ...all.peers], [text]).length === 0);
  if (nothing !== undefined) throw new Error(`--only ${nothing} names no scenario and no peer`);
  const or = <T>(found: readonly T[], otherwise: readonly T[]): readonly T[] => (found.length > 0 ? found : otherwise);
  const wanted = or(named(all.scenarios, only), all.scenarios);
  const needed = new Set(wanted.flatMap(referredTo));
  return {
    scenarios: all.scenarios.filter((scenario) => wanted.includes(scenario) || needed.has(scenario.name)),
    peers: or(named(all.peers, only), all.peers),
  };
}

/**
 * The scenarios that `--only` names, without those that they refer to.
 * @throws Error when a text names nothing
 */
export function chooseScenarios(scenarios: readonly Scenario[], only: readonly string[]): readonly Scenario[] {
  const nothing = only.find((text) => named(scenarios, [text]).length === 0);
  if (nothing !== undefined) throw new Error(`--only ${nothing} names no scenario`);
  return named(scenarios, only);
}

/** The names of the scenarios without which this one says nothing. */
function referredTo(scenario: Scenario): readonly string[] {
  return [scenario.kind === 'half' ? scenario.of : undefined, scenario.beside].filter((name) => name !== undefined);
}

function named<T extends { readonly name: string }>(items: readonly T[], only: readonly string[]): readonly T[] {
  return items.filter(({ name }) =>
    only.some((text) => {
      const exact = items.some((item) => item.name === text);
      return exact ? name === text : name.toLowerCase().includes(text.toLowerCase());
    }),
  );
}

/** The chosen peers that a scenario is for. */
export function peersOf({ peers: names }: Scenario, peers: readonly Peer[]): readonly Peer[] {
  return names ? peers.filter(({ name }) => names.includes(name)) : peers;
}
