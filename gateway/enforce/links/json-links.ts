import { editStrings, type Place } from '../../json/edit-strings.ts';
import { unescaped } from '../../json/pointer.ts';
import type { Rewrite } from './header-links.ts';

/**
 * Rewrites the strings at the declared places of a JSON text: a JSON pointer (RFC 6901), or a name that matches members
 * anywhere. An array at such a place stands for its elements. Returns the same buffer if nothing changed.
 */
export function createJsonLinks(declared: readonly string[]): (json: Buffer, rewrite: Rewrite) => Buffer {
  const pointers = declared
    .filter((place) => place.startsWith('/'))
    .map((pointer) => pointer.slice(1).split('/').map(unescaped));
  const names = new Set(declared.filter((place) => !place.startsWith('/')));

  function isDeclared(place: Place): boolean {
    const isElement = typeof place.at(-1) === 'number';
    const name = place.at(isElement ? -2 : -1);
    if (typeof name === 'string' && names.has(name)) return true;
    return pointers.some(
      (tokens) => isAt(place, tokens, place.length) || (isElement && isAt(place, tokens, place.length - 1)),
    );
  }

  return (json, rewrite) => editStrings(json, (place, value) => (isDeclared(place) ? rewrite(value()) : null));
}

function isAt(place: Place, tokens: readonly string[], length: number): boolean {
  return tokens.length === length && tokens.every((token, i) => String(place[i]) === token);
}
