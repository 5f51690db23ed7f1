import { randomUUID } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { syncDirectory, writeDurably } from '../journal/durable-file.ts';
import type { Checkpoint } from '../ledger/ledger.ts';

const checkpointSchema = z.strictObject({
  chain: z.string(),
  node: z.string(),
  at: z.number(),
  first: z.number(),
  seq: z.number(),
  prev: z.string(),
  hash: z.string(),
  key: z.string(),
  signature: z.string(),
}) satisfies z.ZodType<Checkpoint>;

/**
 * A batch on its way. Written before anything is sent, so that whatever happens the same rows go out again under the
 * same tokens and ClickHouse drops those that it has.
 */
const planSchema = z.strictObject({
  from: z.string(),
  to: z.string(),
  /** The batch's arrival time, milliseconds since the epoch: part of every row, so it must not change on a retry. */
  at: z.number(),
  chain: z.string(),
  /**
   * Rows still to be sent, as ranges [from, to) of their numbers. More than one once a bad row is being looked for. None:
   * only the checkpoints are still to be sent.
   */
  parts: z.array(z.tuple([z.number(), z.number()])),
  /** Sent when all rows are. Kept here because whoever goes on may have another key. */
  checkpoints: z.array(checkpointSchema),
});

/** How much of a chain is delivered, by numbers of its events. */
const settledSchema = z.strictObject({
  chain: z.string(),
  /** The last that was dealt with: stored, or set aside. */
  seq: z.number(),
  /** The last that ClickHouse has said it stored, and when it arrived there; 0 when it is not known to have any. */
  stored: z.number(),
  at: z.number(),
  /**
   * Set while rows go out again that ClickHouse lost: the last number that had been delivered before. Those up to `seq`
   * are passed over meanwhile.
   */
  again: z.number().optional(),
});

const stateSchema = z.strictObject({
  position: z.string(),
  settled: settledSchema.nullable().default(null),
  plan: planSchema.nullable(),
});

export type Plan = z.infer<typeof planSchema>;
export type Settled = z.infer<typeof settledSchema>;
/**
 * How far one source is delivered, and what is being delivered now. Where several gateways keep it, `version` counts how
 * often it was saved.
 */
export type ShipState = z.infer<typeof stateSchema> & { readonly version?: number };

/** Where the shipper keeps what it must know after a crash. */
export type ShipStates = {
  /** Names this data directory, or a shared source, for ever, so that chains of two that feed one ClickHouse never meet. */
  readonly home: string;
  /** @throws when the state cannot be read: delivering from a guessed position would deliver twice. */
  load(source: string): Promise<ShipState>;
  /**
   * Durable when it resolves, to what the next one must follow. After a failure the state has to be loaded again: what is
   * kept is not known, or it is not what `state` followed.
   */
  save(source: string, state: ShipState): Promise<ShipState>;
};

export async function openShipStates(dir: string): Promise<ShipStates> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await syncDirectory(join(dir, '..'));
  const homePath = join(dir, 'home');
  let home = await readOrNull(homePath);
  if (home === null) {
    home = randomUUID();
    await writeDurably(homePath, home);
  }
  const pathOf = (source: string) => join(dir, `${source}.json`);
  return {
    home,
    async load(source) {
      return parseState(await readOrNull(pathOf(source)));
    },
    async save(source, state) {
      await writeDurably(pathOf(source), writeState(state));
      return state;
    },
  };
}

/** A state as text; null when nothing has been delivered yet. @throws when it is none */
export function parseState(text: string | null): ShipState {
  return text === null ? { position: '', settled: null, plan: null } : stateSchema.parse(JSON.parse(text));
}

export function writeState({ position, settled, plan }: ShipState): string {
  return JSON.stringify({ position, settled, plan });
}

async function readOrNull(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
