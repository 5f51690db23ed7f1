import type { Vault } from './vault.ts';

/**
 * The documents of holds and grants. They quote calls and people (path, reasons, notes, claims, amounts), so they are
 * sealed like the calls themselves. Bound to the id of their row, so that no row can be given the document of another.
 */
export type Documents = {
  seal(id: string, document: object): string;
  /**
   * Opens what `seal` gave. Earlier versions stored JSON as it is; that is read too.
   * @throws when it was sealed with another key or for another row
   */
  open<Document>(id: string, stored: string): Document;
};

/** Not the beginning of any JSON. */
const SEALED = 'sealed:';

export function createDocuments(vault: Vault): Documents {
  const labelOf = (id: string) => ({ holdId: id, kind: 'document', revision: 0 });
  return {
    seal: (id, document) => SEALED + vault.seal(Buffer.from(JSON.stringify(document)), labelOf(id)).toString('base64'),
    open(id, stored) {
      if (!isSealed(stored)) return JSON.parse(stored);
      return JSON.parse(vault.open(Buffer.from(stored.slice(SEALED.length), 'base64'), labelOf(id)).toString());
    },
  };
}

export function isSealed(stored: string): boolean {
  return stored.startsWith(SEALED);
}
