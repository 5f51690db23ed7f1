import { createPublicKey, hash, sign, verify, type KeyObject } from 'node:crypto';

/**
 * Proves that no event in the record was changed, left out or moved.
 *
 * Each writer keeps a chain: its events are numbered 1, 2, 3, … and cut into segments, each of which ends with a signed
 * checkpoint. A checkpoint's hash covers the lines of its segment and the link to the checkpoint before, so the latest
 * trusted checkpoint proves the whole chain. Each row also has a short hash of its own. It proves nothing against an
 * attacker, who can compute hashes too, but it tells which row was changed in a segment that does not match.
 */
export type Checkpoint = {
  /** Names the chain: one for each journal and each outbox, for ever. */
  readonly chain: string;
  readonly node: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The number of the segment's first event, and of its last. */
  readonly first: number;
  readonly seq: number;
  /** The link to the checkpoint before, in hex: see `headOf`. Zeros for the first of a chain. */
  readonly prev: string;
  /** SHA-256 over the bytes of `prev` and the segment's lines, each with its newline, in hex. */
  readonly hash: string;
  /** Names the key; see `keyId`. */
  readonly key: string;
  /** Ed25519 (RFC 8032) over `signedText`, in base64. */
  readonly signature: string;
};

/** Where a chain stands: its number of events, and the link that its next segment begins with. */
export type Head = { readonly seq: number; readonly link: string };

export const START: Head = { seq: 0, link: '0'.repeat(64) };

/** Where a chain stands after a checkpoint. The link is the SHA-256 of all that was signed. */
export function headOf(checkpoint: Checkpoint): Head {
  return { seq: checkpoint.seq, link: hash('sha256', signedText(checkpoint), 'hex') };
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

/** What a checkpoint says of its segment. */
export type SegmentSummary = Pick<Checkpoint, 'first' | 'seq' | 'prev' | 'hash'>;

export function checkpoint(
  of: Pick<Checkpoint, 'chain' | 'node' | 'at'>,
  segment: SegmentSummary,
  { key, sign: signText }: Signer,
): Checkpoint {
  const unsigned = { ...of, ...segment, key };
  return { ...unsigned, signature: signText(signedText(unsigned)) };
}

/** The bytes that a checkpoint's signature covers: every other member, one a line. */
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
 * A row's own hash: the first 8 hex digits of the SHA-256 of its number, a space and its line. Hashes do not compress, and
 * a longer one would prove no more.
 */
export function rowHash(seq: number, line: string | Uint8Array): string {
  // One call on joined bytes is cheaper than a hash that is updated.
  const text = typeof line === 'string' ? `${seq} ${line}` : Buffer.concat([Buffer.from(`${seq} `), line]);
  return hash('sha256', text, 'hex').slice(0, 8);
}
