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
 * A batch in delivery. Written before anything is sent, so that after any crash the same rows go out again under the same
 * tokens, and ClickHouse drops those that it has.
 */
const planSchema = z.strictObject({
  from: z.string(),
  to: z.string(),
  /** The batch's arrival time, milliseconds since the epoch: part of every row, so it must not change on a retry. */
  at: z.number(),
  chain: z.string(),
  /**
   * Rows still to be sent, as ranges [from, to) of their numbers: several during the search for a bad row, none when only
   * the checkpoints are left.
   */
  parts: z.array(z.tuple([z.number(), z.number()])),
  /** Sent after the rows. Kept here because the gateway that continues may have another key. */
  checkpoints: z.array(checkpointSchema),
});

/** How much of a chain is delivered, by numbers of its events. */
const settledSchema = z.strictObject({
  chain: z.string(),
  /** The last event that was stored or set aside. */
  seq: z.number(),
  /** The last event that ClickHouse acknowledged, and its arrival time; 0 when none is known. */
  stored: z.number(),
  at: z.number(),
  /**
   * Set while rows that ClickHouse lost are sent again: the last number that had been delivered. Rows up to `seq` are
   * skipped meanwhile.
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
 * How far one source is delivered, and the batch in delivery. With several gateways, `version` counts the saves.
 */
export type ShipState = z.infer<typeof stateSchema> & { readonly version?: number };

/** Keeps the shipper's state over crashes. */
export type ShipStates = {
  /** The permanent name of this data folder or shared source. It keeps chains apart that reach the same ClickHouse. */
  readonly home: string;
  /** @throws when the state cannot be read: a guessed position would deliver events twice */
  load(source: string): Promise<ShipState>;
  /**
   * Durable when it resolves, to the state that the next `save` must follow. After a failure, load the state again: it is
   * not known what was kept.
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

/** Reads a state; null is that before the first delivery. @throws when the text is not a state */
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
