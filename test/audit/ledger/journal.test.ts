import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encodeFrame, frameAt, HEADER_BYTES, type Frame } from '../../../audit/journal/frame.ts';
import { openJournal } from '../../../audit/journal/journal.ts';
import { createSigner, keyId } from '../../../audit/ledger/ledger.ts';
import { listSegments, segmentPath } from '../../../audit/journal/segment.ts';
import { verifyJournal } from '../../../audit/ledger/verify-journal.ts';
import { tempFolder, type TempFolder } from '../../helpers/folder.ts';
import { event } from '../events.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const signer = createSigner(privateKey);
const keys = new Map([[keyId(publicKey), publicKey]]);
const NAME = 'worker-0';

let folder: TempFolder;
let dir: string;

/** Twenty events over two runs of a process, a frame for each, with a checkpoint at the end of each run. */
beforeEach(async () => {
  folder = tempFolder();
  dir = join(folder.path, NAME);
  for (const run of [0, 1]) {
    const journal = await openJournal({ dir, node: 'gw-1', signer, limit: 2 ** 24 });
    for (let n = 0; n < 10; n++) {
      journal.append(event(run * 10 + n));
      await journal.flushed();
    }
    await journal.close();
  }
});
afterEach(() => folder.remove());

/** Rewrites the segment that has such a frame, with frames whose checksums fit: nobody would call it damage. */
async function rewrite(which: (frame: Frame) => boolean, change: (frames: Frame[]) => Frame[]): Promise<void> {
  for (const segment of await listSegments(dir)) {
    const path = segmentPath(dir, segment);
    const bytes = readFileSync(path);
    const frames: Frame[] = [];
    for (let at = 0; at < bytes.length;) {
      const frame = frameAt(bytes, at);
      if (frame === null || frame === 'short') break;
      frames.push(frame);
      at += HEADER_BYTES + frame.payload.length;
    }
    if (!frames.some(which)) continue;
    const changed = change(frames).map(({ payload, ...header }) => encodeFrame(header, payload.toString()));
    writeFileSync(path, Buffer.concat(changed));
  }
}

const isCheckpoint = ({ kind, first }: Frame) => kind === 'checkpoint' && first === 11;
const holds = (seq: number) => (frame: Frame) => frame.kind === 'events' && frame.first === seq;

test('an untouched journal is whole', async () => {
  const { verified, unsigned, breaks, heads } = await verifyJournal(folder.path, NAME, keys);
  expect({ verified, unsigned, breaks }).toEqual({ verified: 20, unsigned: 0, breaks: [] });
  expect(heads.map(({ seq }) => seq)).toContain(10);
});

test('a journal in use has events that are not signed yet', async () => {
  const journal = await openJournal({ dir, node: 'gw-1', signer, limit: 2 ** 24 });
  journal.append(event(20));
  await journal.flushed();
  expect(await verifyJournal(folder.path, NAME, keys)).toMatchObject({ verified: 20, unsigned: 1, breaks: [] });
  await journal.close();
});

test('a changed event in a journal is found, even if its frame is whole', async () => {
  await rewrite(holds(4), (frames) =>
    frames.map((frame) =>
      holds(4)(frame)
        ? { ...frame, payload: Buffer.from(frame.payload.toString().replace('billing-bot', 'another-bot')) }
        : frame,
    ),
  );
  const { breaks } = await verifyJournal(folder.path, NAME, keys);
  expect(breaks).toMatchObject([{ kind: 'rewritten', first: 1, last: 10 }]);
});

test('an event that was removed from a journal is named', async () => {
  await rewrite(holds(14), (frames) => frames.filter((frame) => !holds(14)(frame)));
  const { breaks } = await verifyJournal(folder.path, NAME, keys);
  expect(breaks[0]).toMatchObject({ kind: 'missing', first: 14, last: 14 });
});

test('events of a journal that changed places are found', async () => {
  await rewrite(holds(4), (frames) => {
    const [at, other] = [frames.findIndex(holds(4)), frames.findIndex(holds(6))];
    const [a, b] = [frames[at]!, frames[other]!];
    return frames.with(at, { ...b, first: 4 }).with(other, { ...a, first: 6 });
  });
  expect((await verifyJournal(folder.path, NAME, keys)).breaks[0]).toMatchObject({ kind: 'rewritten', first: 1 });
});

test('a checkpoint in a journal with a foreign signature is found', async () => {
  const other = createSigner(generateKeyPairSync('ed25519').privateKey);
  await rewrite(isCheckpoint, (frames) =>
    frames.map((frame) => {
      if (!isCheckpoint(frame)) return frame;
      const signed = JSON.parse(frame.payload.toString()) as object;
      return { ...frame, payload: Buffer.from(JSON.stringify({ ...signed, key: other.key })) };
    }),
  );
  expect((await verifyJournal(folder.path, NAME, keys)).breaks[0]).toMatchObject({
    kind: 'forged',
    first: 1,
    last: 10,
  });
});

test('abandoned events in a failed segment, with numbers that were given again, are no break', async () => {
  await rewrite(holds(20), (frames) => [...frames, { ...frames.find(holds(20))!, first: 21 }]);
  const journal = await openJournal({ dir, node: 'gw-1', signer, limit: 2 ** 24 });
  journal.append(event(20));
  await journal.close();
  expect(await verifyJournal(folder.path, NAME, keys)).toMatchObject({ verified: 21, breaks: [] });
});
