import type { Peer, Scenario } from './plan.ts';

export type Choice = { readonly scenarios: readonly Scenario[]; readonly peers: readonly Peer[] };

/**
 * The scenarios and peers that `--only` names, or all of a kind if it names none. A full name means only itself. A
 * scenario at half of saturation also runs the scenario that it refers to.
 * @throws Error when a text names nothing
 */
export function choose(all: Choice, only: readonly string[]): Choice {
  const nothing = only.find((text) => named([...all.scenarios, ...all.peers], [text]).length === 0);
  if (nothing !== undefined) throw new Error(`--only ${nothing} names no scenario and no peer`);
  const or = <T>(found: readonly T[], otherwise: readonly T[]): readonly T[] => (found.length > 0 ? found : otherwise);
  const wanted = or(named(all.scenarios, only), all.scenarios);
  const needed = new Set(wanted.map((scenario) => (scenario.kind === 'half' ? scenario.of : null)));
  return {
    scenarios: all.scenarios.filter((scenario) => wanted.includes(scenario) || needed.has(scenario.name)),
    peers: or(named(all.peers, only), all.peers),
  };
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
