import { isId } from './id.ts';

/** Where one page of holds by the clock ends, and the next begins. */
export type DueCursor = { readonly decideBy: number; readonly id: string };

export function dueCursor({ decideBy, id }: DueCursor): string {
  return `${decideBy}.${id}`;
}

/** Null where a text is no such cursor. */
export function readDueCursor(text: string): DueCursor | null {
  const [at = '', id = '', ...more] = text.split('.');
  return /^\d{1,15}$/.test(at) && isId('hold', id) && more.length === 0 ? { decideBy: Number(at), id } : null;
}
