import { parameterOf, pathTemplateOf, type OpenPlace } from '../domain/open-place.ts';
import type { ExactJson } from '../json/exact-json.ts';

/** A target with null in the place of what is open, and what was found there, by place. */
export type PinnedTarget = {
  readonly pinned: ExactJson;
  readonly values: ReadonlyMap<OpenPlace, string>;
  /** The path, split at its slashes, and the indexes of its open segments. */
  readonly parts: readonly string[];
  readonly segments: readonly number[];
};

/**
 * A plain name, which all servers read as one segment: no slash, however encoded, no dot segment, no wildcard or list
 * (`*`, `a,b`: many records), no `:` (`42:delete` is another operation), no `;`. The first character is no `_`, with
 * which some systems begin names of their own, such as `_all`.
 */
const PLAIN = /^[\p{L}\p{N}](?:[\p{L}\p{M}\p{N} ._~@+=-]*[\p{L}\p{M}\p{N}_~+=-])?$/u;
const ASCII = /^[\x21-\x7e]+$/;
// eslint-disable-next-line no-control-regex
const CONTROL = /[\0-\x1f\x7f]/;

/**
 * Takes the open places out of a target. What is left of it is pinned byte for byte; a place that the target does not
 * have, or has in a form that servers could read in several ways, stays pinned.
 */
export function pinnedTarget(target: string, open: readonly OpenPlace[]): PinnedTarget {
  const mark = target.indexOf('?');
  const path = mark === -1 ? target : target.slice(0, mark);
  const query = mark === -1 ? null : target.slice(mark + 1);
  const values = new Map<OpenPlace, string>();

  const template = open.find((place) => openSegments(path, pathTemplateOf(place)).length > 0);
  const segments = template === undefined ? [] : openSegments(path, pathTemplateOf(template));
  const parts = path.split('/');
  if (template !== undefined) values.set(template, segments.map((index) => decodedSegment(parts[index]!)).join('/'));

  const fields: ExactJson[] = query === null ? [] : query.split('&');
  for (const place of open) {
    const field = openField(query, parameterOf(place));
    if (field === null) continue;
    fields[field.index] = { open: field.name };
    values.set(place, field.value);
  }
  return {
    pinned: {
      path: parts.map((part, index) => (segments.includes(index) ? null : part)),
      query: query === null ? null : fields,
    },
    values: new Map([...values].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    parts,
    segments,
  };
}

/** Where the parts of a path, split at its slashes, are open; empty if the template is not that of the path. */
function openSegments(path: string, template: string | null): number[] {
  if (template === null) return [];
  const parts = path.split('/');
  const asked = template.split('/');
  if (asked.length !== parts.length) return [];
  const open: number[] = [];
  for (const [index, each] of asked.entries()) {
    if (!each.startsWith('{')) {
      if (each !== parts[index]) return [];
    } else if (decodedSegment(parts[index]!) === null) return [];
    else open.push(index);
  }
  return open;
}

/** Null if it is no plain name. */
export function decodedSegment(segment: string): string | null {
  const text = ASCII.test(segment) ? decoded(segment) : null;
  return text !== null && PLAIN.test(text) ? text : null;
}

/** The one field of this name; null if there are several, or a field has a name or value that cannot be told for sure. */
function openField(
  query: string | null,
  name: string | null,
): { readonly index: number; readonly name: string; readonly value: string } | null {
  if (query === null || name === null || query.includes(';')) return null;
  const fields = query.split('&').map((field) => {
    const equals = field.indexOf('=');
    return {
      name: equals === -1 ? field : field.slice(0, equals),
      value: equals === -1 ? null : field.slice(equals + 1),
    };
  });
  const names = fields.map((field) => decoded(field.name.replaceAll('+', ' ')));
  const index = names.indexOf(name);
  if (names.includes(null) || index === -1 || names.includes(name, index + 1)) return null;
  const field = fields[index]!;
  const value = field.value === null ? null : decoded(field.value.replaceAll('+', ' '));
  return value === null || CONTROL.test(value) ? null : { index, name: field.name, value };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
