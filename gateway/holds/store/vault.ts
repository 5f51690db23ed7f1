import { createSealing } from '../../secrets/sealing.ts';

/** What sealed bytes belong to. Bound to them, so that a row moved to another hold or revision does not open. */
export type SealLabel = { readonly holdId: string; readonly kind: string; readonly revision: number };

export type Vault = {
  seal(content: Uint8Array, label: SealLabel): Buffer;
  /** @throws when the key is another one, or the bytes or their label are not those that were sealed. */
  open(sealed: Uint8Array, label: SealLabel): Buffer;
};

/** Seals what is stored, under one key of 32 bytes. */
export function createVault(key: Buffer): Vault {
  const { seal, open } = createSealing(key);
  const parts = ({ holdId, kind, revision }: SealLabel) => [holdId, kind, revision];
  return {
    seal: (content, label) => seal(content, parts(label)),
    open: (sealed, label) => open(sealed, parts(label)),
  };
}
