import type { Reads, ReadTree } from '../domain/bundle.ts';

/** Tells whether decisions on a system's calls read a place of the input; null stands for any system. */
export function createReadsOf(
  { others, systems }: Reads,
  place: readonly string[],
): (system: string | null) => boolean {
  const ofOthers = reads(others, place);
  const ofSystems = new Map(Object.entries(systems).map(([system, tree]) => [system, reads(tree, place)]));
  const ofAny = ofOthers || [...ofSystems.values()].includes(true);
  return (system) => (system === null ? ofAny : (ofSystems.get(system) ?? ofOthers));
}

function reads(tree: ReadTree, place: readonly string[]): boolean {
  let at: ReadTree | undefined = tree;
  for (const name of place) {
    if (at === true) return true;
    if (!at || !Object.hasOwn(at, name)) return false;
    at = at[name];
  }
  return true;
}
