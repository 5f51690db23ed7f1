import { crc32 } from 'node:zlib';

/**
 * The unit of a segment: a header and a payload. Numbers are little endian.
 *
 *      0  4  magic
 *      4  4  CRC-32 (ISO-HDLC) of everything after it
 *      8  1  kind, and three zeros
 *     12  4  length of the payload
 *     16  4  events in it
 *     20  4  bytes of the segment that were synced when the frame was written
 *     24  8  number of its first event; without events, of the next one
 *     32 16  the chain's id (UUID)
 *
 * `head`: where the chain stands when the segment begins (JSON, `Head` with the chain's id) · `checkpoint`: JSON,
 * `Checkpoint` · `events`: lines, each with its newline · `mark`: no payload; all before it is on disk · `end`: the
 * same, and the writer has closed the journal.
 */
export const HEADER_BYTES = 48;

/** 0xff is never part of UTF-8, so no event can contain a frame. */
const MAGIC = Buffer.from([0xff, 0x48, 0x50, 0x31]);
const MAGIC_NUMBER = MAGIC.readUInt32LE();

const KINDS = ['head', 'events', 'checkpoint', 'mark', 'end'] as const;

export type FrameKind = (typeof KINDS)[number];

/** Bytes after which a frame of events ends, which limits the loss from one flipped bit. */
export const FRAME_BYTES = 64 * 1024;
/** The largest line with its newline. A frame is at most `FRAME_BYTES` and one such line. */
export const LINE_LIMIT = 1024 * 1024;
/** A larger length is damage. */
const PAYLOAD_LIMIT = FRAME_BYTES + LINE_LIMIT;
export const FRAME_LIMIT = HEADER_BYTES + PAYLOAD_LIMIT;

export type FrameHeader = {
  readonly kind: FrameKind;
  readonly chain: string;
  readonly first: number;
  readonly events: number;
  readonly synced: number;
};

export type Frame = FrameHeader & { readonly payload: Buffer };

/** Writes the header of a frame with its payload in `bytes` from `at + HEADER_BYTES` to `end`. */
export function sealFrame(bytes: Buffer, at: number, end: number, header: FrameHeader): void {
  MAGIC.copy(bytes, at);
  bytes.writeUInt32LE(KINDS.indexOf(header.kind), at + 8);
  bytes.writeUInt32LE(end - at - HEADER_BYTES, at + 12);
  bytes.writeUInt32LE(header.events, at + 16);
  bytes.writeUInt32LE(header.synced, at + 20);
  bytes.writeBigUInt64LE(BigInt(header.first), at + 24);
  bytes.write(header.chain.replaceAll('-', ''), at + 32, 16, 'hex');
  bytes.writeUInt32LE(crc32(bytes.subarray(at + 8, end)), at + 4);
}

export function encodeFrame(header: FrameHeader, payload: string): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + Buffer.byteLength(payload));
  bytes.write(payload, HEADER_BYTES);
  sealFrame(bytes, 0, bytes.length, header);
  return bytes;
}

/** The undamaged frame at `at`; `short` when `bytes` may end before it does; null when there is none. */
export function frameAt(bytes: Buffer, at: number): Frame | 'short' | null {
  if (bytes.length - at < HEADER_BYTES) return 'short';
  if (bytes.readUInt32LE(at) !== MAGIC_NUMBER) return null;
  const length = bytes.readUInt32LE(at + 12);
  if (length > PAYLOAD_LIMIT) return null;
  const end = at + HEADER_BYTES + length;
  if (end > bytes.length) return 'short';
  if (crc32(bytes.subarray(at + 8, end)) !== bytes.readUInt32LE(at + 4)) return null;
  const kind = KINDS[bytes.readUInt32LE(at + 8)];
  if (kind === undefined) return null;
  return {
    kind,
    chain: uuid(bytes.toString('hex', at + 32, at + 48)),
    first: Number(bytes.readBigUInt64LE(at + 24)),
    events: bytes.readUInt32LE(at + 16),
    synced: bytes.readUInt32LE(at + 20),
    payload: bytes.subarray(at + HEADER_BYTES, end),
  };
}

/** Where the next frame may begin, from `at` on; -1 if nowhere. */
export function nextMagic(bytes: Buffer, at: number): number {
  return bytes.indexOf(MAGIC, at);
}

function uuid(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
