import { createHash, createPublicKey, hash, sign, verify, type Hash, type KeyObject } from 'node:crypto';

/**
 * The proof that nothing in the record was changed, left out or moved.
 *
 * Whoever writes events keeps a chain: its events are numbered 1, 2, 3, … and from time to time a signed checkpoint says
 * what they were. A checkpoint's hash covers the lines since the one before it, and that one's hash; so whoever trusts
 * the latest can check everything back to the first. Each row has a short hash of its own beside that: it proves nothing
 * against somebody who can compute hashes, but tells which row it was when a chapter does not fit its checkpoint.
 */
export type Checkpoint = {
  /** Names the chain: one for each journal and each outbox, for ever. */
  readonly chain: string;
  readonly node: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The number of the chapter's first event, and of its last. */
  readonly first: number;
  readonly seq: number;
  /** The link to the checkpoint before, in hex: see `headOf`. Zeros for the first of a chain. */
  readonly prev: string;
  /** SHA-256 over the bytes of `prev` and the chapter's lines, each with its newline, in hex. */
  readonly hash: string;
  /** Names the key; see `keyId`. */
  readonly key: string;
  /** Ed25519 (RFC 8032) over `signedText`, in base64. */
  readonly signature: string;
};

/** Where a chain stands: so many events, and the link that its next chapter begins with. */
export type Head = { readonly seq: number; readonly link: string };

export const START: Head = { seq: 0, link: '0'.repeat(64) };

/** Where a chain stands after a checkpoint. The link is the SHA-256 of all that was signed, so nothing in it can change. */
export function headOf(checkpoint: Checkpoint): Head {
  return { seq: checkpoint.seq, link: hash('sha256', signedText(checkpoint), 'hex') };
}

/** The end of a chain, as the lines since its last checkpoint come in. */
export class Chapter {
  readonly #prev: string;
  readonly #first: number;
  readonly #hash: Hash;
  #seq: number;

  constructor({ seq, link }: Head, hash = createHash('sha256').update(Buffer.from(link, 'hex'))) {
    this.#prev = link;
    this.#first = seq + 1;
    this.#seq = seq;
    this.#hash = hash;
  }

  /** Where it begins. */
  get head(): Head {
    return { seq: this.#first - 1, link: this.#prev };
  }

  /** The number of the last event; 0 when the chain has none. */
  get seq(): number {
    return this.#seq;
  }

  /** Whether nothing came since the last checkpoint. */
  get empty(): boolean {
    return this.#seq < this.#first;
  }

  /** Takes `count` lines, each with its newline. */
  add(lines: Uint8Array, count: number): void {
    this.#hash.update(lines);
    this.#seq += count;
  }

  /** The same chapter, to go on with by itself. */
  copy(): Chapter {
    const copy = new Chapter(this.head, this.#hash.copy());
    copy.#seq = this.#seq;
    return copy;
  }

  /** What a checkpoint here has to say, all but the signature. The chapter may go on. */
  close(): Pick<Checkpoint, 'first' | 'seq' | 'prev' | 'hash'> {
    return { first: this.#first, seq: this.#seq, prev: this.#prev, hash: this.#hash.copy().digest('hex') };
  }
}

/** Signs checkpoints for one process. */
export type Signer = { readonly key: string; sign(text: Buffer): string };

/** @param privateKey Ed25519 */
export function createSigner(privateKey: KeyObject): Signer {
  return {
    key: keyId(createPublicKey(privateKey)),
    sign: (text) => sign(null, text, privateKey).toString('base64'),
  };
}

/** Names a public key: the first 16 hex digits of the SHA-256 of its SPKI in DER (RFC 8410). */
export function keyId(publicKey: KeyObject): string {
  return hash('sha256', publicKey.export({ type: 'spki', format: 'der' }), 'hex').slice(0, 16);
}

export function checkpoint(
  of: Pick<Checkpoint, 'chain' | 'node' | 'at'>,
  chapter: Chapter,
  { key, sign: signText }: Signer,
): Checkpoint {
  const unsigned = { ...of, ...chapter.close(), key };
  return { ...unsigned, signature: signText(signedText(unsigned)) };
}

/** The bytes that a checkpoint's signature covers: every member but itself, one a line. */
export function signedText({
  chain,
  node,
  at,
  first,
  seq,
  prev,
  hash: digest,
  key,
}: Omit<Checkpoint, 'signature'>): Buffer {
  return Buffer.from(
    ['holdpoint-checkpoint-1', chain, JSON.stringify(node), at, first, seq, prev, digest, key].join('\n'),
  );
}

/** Whether the checkpoint was signed with the private half of `publicKey`. */
export function isSigned({ signature, ...unsigned }: Checkpoint, publicKey: KeyObject): boolean {
  return verify(null, signedText(unsigned), publicKey, Buffer.from(signature, 'base64'));
}

/**
 * The hash that a row carries: the first 8 hex digits of the SHA-256 of its number, a space and its line. Longer ones
 * would be the largest part of a row that does not compress, and would prove nothing more.
 */
export function rowHash(seq: number, line: string | Uint8Array): string {
  // One call for bytes that stand together is a third cheaper than a hash that is updated.
  const text = typeof line === 'string' ? `${seq} ${line}` : Buffer.concat([Buffer.from(`${seq} `), line]);
  return hash('sha256', text, 'hex').slice(0, 8);
}
