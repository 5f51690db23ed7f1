import type { System } from './system.ts';

/** Remembers what `build` made of each system. A system that a new configuration leaves as it is keeps its parts. */
export function oncePerSystem<T>(build: (system: System) => T): (system: System) => T {
  const built = new WeakMap<System, { readonly part: T }>();
  return (system) => {
    const known = built.get(system) ?? { part: build(system) };
    built.set(system, known);
    return known.part;
  };
}
