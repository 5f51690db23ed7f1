import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const FORMAT = 1;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + IV_BYTES + TAG_BYTES;

/** Encrypts bytes that belong to something: `label` is bound to them, and not part of them. */
export type Sealing = {
  seal(content: Uint8Array, label: readonly unknown[]): Buffer;
  /** @throws when the key is another one, or the bytes or their label are not those that were sealed. */
  open(sealed: Uint8Array, label: readonly unknown[]): Buffer;
};

/** AES-256-GCM under one key of 32 bytes; a fresh random 96-bit nonce for each sealing. */
export function createSealing(key: Buffer): Sealing {
  if (key.length !== 32) throw new RangeError('the key must have 32 bytes');
  return {
    seal(content, label) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES }).setAAD(additionalData(label));
      const ciphertext = [cipher.update(content), cipher.final()];
      return Buffer.concat([Buffer.of(FORMAT), iv, cipher.getAuthTag(), ...ciphertext]);
    },
    open(sealed, label) {
      if (sealed.length < HEADER_BYTES || sealed[0] !== FORMAT) throw new Error('sealed in an unknown format');
      const iv = sealed.subarray(1, 1 + IV_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES })
        .setAAD(additionalData(label))
        .setAuthTag(sealed.subarray(1 + IV_BYTES, HEADER_BYTES));
      return Buffer.concat([decipher.update(sealed.subarray(HEADER_BYTES)), decipher.final()]);
    },
  };
}

function additionalData(label: readonly unknown[]): Buffer {
  return Buffer.from(JSON.stringify(['holdpoint', FORMAT, ...label]));
}
