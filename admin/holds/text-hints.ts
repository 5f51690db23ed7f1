import { hintsOf } from '../../gateway/domain/visible-text.ts';
import type { ContextPackage } from '../api/hold-schemas.ts';

type Hints = ContextPackage['hints'];

/** Where what an agent sent is not what it looks like to a person. Of the url, what it says once it is decoded. */
export function textHints(parts: Readonly<Record<Hints[number]['in'], unknown>>): Hints {
  return Object.entries(parts).flatMap(([part, value]) =>
    textsOf(part === 'url' ? decoded(String(value)) : value).map((hint) => ({
      in: part as Hints[number]['in'],
      ...hint,
    })),
  );
}

function textsOf(value: unknown) {
  return value === null || value === undefined
    ? []
    : hintsOf(typeof value === 'string' ? value : JSON.stringify(value));
}

/** What cannot be decoded stays as it is. */
function decoded(url: string): string {
  return url.replaceAll(/(?:%[0-9a-f]{2})+/gi, (coded) => {
    try {
      return decodeURIComponent(coded);
    } catch {
      return coded;
    }
  });
}
