import { type ExactJson, isObject } from './exact-json.ts';

/** Applies a JSON merge patch (RFC 7396): null deletes a member; an array or any other value replaces it. */
export function mergePatch(target: ExactJson | undefined, patch: ExactJson): ExactJson {
  if (!isObject(patch)) return patch;
  const members = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) members.delete(name);
    else members.set(name, mergePatch(members.get(name), value));
  }
  // Prototype pollution: plain assignment would set the prototype for a member named __proto__.
  return Object.fromEntries(members);
}
